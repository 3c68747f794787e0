import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { HealthDocument } from '../../src/health/health-document.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { metricOf } from '../helpers/service-process.js';
import { queueFolder } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { Desks } from './ship/desks.js';
import { ServiceShip } from './ship/service-ship.js';
import { conclude } from './summary/record.js';

/** A kill comes when so many more changes at most were answered with 202, and a random moment has passed. */
const MOST_ACCEPTED = 300;
const LATEST_MOMENT_MS = 40;

async function setScene() {
  const oracle = new Oracle();
  const broker = await Mosquitto.start({ config: PATIENT_BROKER });
  const shore = await FaultShore.listen(broker.url, oracle);
  const env = {
    VESSEL_ID: 'mv-fault',
    MQTT_BROKER_URL: broker.url,
    MQTT_QUEUE_DIR: queueFolder(),
    MQTT_MAX_QUEUE_SIZE: '1000000',
    MQTT_RECONNECT_MAX_S: '1',
    HEALTH_RATE_LIMIT: '1000000',
  };
  const port = await freePort();
  return { oracle, broker, shore, env, port, baseUrl: `http://127.0.0.1:${port}` };
}

async function healthOf(baseUrl: string): Promise<HealthDocument> {
  return (await (await fetch(`${baseUrl}/api/mqtt/reliable-sync/health`)).json()) as HealthDocument;
}

async function drained(baseUrl: string): Promise<HealthDocument> {
  return until(
    async () => {
      const health = await healthOf(baseUrl);
      return health.detailedMetrics.currentQueueSize === 0 ? health : undefined;
    },
    { deadlineMs: 120_000, what: 'the queue to drain' },
  );
}

describeWithMosquitto('SIGKILL of the service', () => {
  it('loses nothing that was answered with 202, and takes a repeated post for one change', async () => {
    const { oracle, shore, env, port, baseUrl } = await setScene();
    let service = ServiceShip.launch(port, env);
    await service.ready(baseUrl);
    const desks = new Desks(baseUrl, oracle);
    for (let round = 1; round <= scale.serviceKillRounds; round++) {
      const accepted = oracle.accepted + 1 + Math.floor(Math.random() * MOST_ACCEPTED);
      const what = () => `${accepted} changes to be accepted, there are ${oracle.accepted}; ${service.output}`;
      await until(() => oracle.accepted >= accepted, { deadlineMs: 60_000, what });
      await sleep(Math.random() * LATEST_MOMENT_MS);
      await service.kill();
      service = ServiceShip.launch(port, env);
    }
    await service.ready(baseUrl);
    await desks.close();
    await drained(baseUrl);
    await shore.settled(oracle);
    const metrics = await (await fetch(`${baseUrl}/metrics`)).text();
    oracle.counters({ source: 'Prometheus', depth: metricOf(metrics, 'arus_mqtt_queue_depth') });
    const notes = [`${desks.repeated} posts without an answer were repeated`];
    const rounds = scale.serviceKillRounds;
    conclude(
      oracle.report({
        name: 'SIGKILL of the service while it answers 202',
        rounds,
        notes,
        everyArrivalIsPromised: true,
      }),
    );
  });

  it('refuses a second service on the queue folder and does not disturb the first', async () => {
    const { oracle, shore, env, port, baseUrl } = await setScene();
    const first = ServiceShip.launch(port, env);
    await first.ready(baseUrl);
    const desks = new Desks(baseUrl, oracle);
    const second = ServiceShip.launch(await freePort(), env);
    expect(await second.exit()).toBe(1);
    expect(second.output).toMatch(/in use by process \d+/);
    const before = oracle.accepted;
    await until(() => oracle.accepted > before + 100, { what: 'the first one to go on' });
    await desks.close();
    const { detailedMetrics } = await drained(baseUrl);
    await shore.settled(oracle);
    oracle.counters({ source: 'health document', published: detailedMetrics.messagesPublished, dropped: 0, depth: 0 });
    expect(await first.stop()).toBe(0);
    expect(desks.repeated).toBe(0);
    conclude(oracle.report({ name: 'two services on one queue folder', everyArrivalIsPromised: true }));
  });
});

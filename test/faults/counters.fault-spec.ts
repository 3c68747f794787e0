import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { metricOf } from '../helpers/service-process.js';
import { queueFolder } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';
import { FaultReceiver } from './ends/fault-receiver.js';
import { scale } from './scale.js';
import { ServiceScene } from './ship/service-scene.js';
import { conclude } from './summary/record.js';

const ROOM = 300;
/** Few enough for the dead letters that the service keeps. */
const ROUNDS = 2 * scale.refusals;

/** Keeps everything for a slow listener, and takes no change of the crew (0x87 on MQTT 5). */
function refusing(folder: string): string {
  const file = join(folder, 'acl');
  writeFileSync(file, 'topic deny vessel/sync/crew\ntopic readwrite #\n', { mode: 0o600 });
  return `allow_anonymous true\nmax_queued_messages 100000\nmax_inflight_messages 0\nacl_file ${file}`;
}

describeWithMosquitto('What the service counts', () => {
  it('agrees in health document, metrics and list of dead letters with what came ashore, after cuts, a full queue and refusals', async () => {
    const env = { MQTT_MAX_QUEUE_SIZE: String(ROOM), MQTT_PROTOCOL: '5' };
    const scene = await ServiceScene.set(queueFolder(), env, refusing);
    const { oracle, link, counter, shore } = scene;
    const receiver = await FaultReceiver.attach(scene.broker.url, oracle);
    const service = await scene.start();
    const connected = async () => (await counter.health()).mqtt.status === 'connected';
    for (let round = 0; round < ROUNDS; round++) {
      await until(connected, { deadlineMs: 30_000, what: 'a connection' });
      expect((await counter.post({ count: 100 })).status).toBe(202);
      link.cut();
      await link.refuse();
      // More than there is room for.
      for (let posts = 0; posts < 4; posts++) expect((await counter.post({ count: 100 })).status).toBe(202);
      await link.accept();
      await counter.drained();
    }
    const deadLetters = await counter.deadLetters();
    for (const { messageId = '', reason } of deadLetters) oracle.deadLettered(messageId, reason);
    await shore.settled(oracle);
    const { detailedMetrics } = await counter.health();
    const metrics = await counter.metrics();
    const { messagesPublished, messagesDropped, currentQueueSize } = detailedMetrics;
    oracle.counters({
      source: 'health document',
      published: messagesPublished,
      dropped: messagesDropped,
      depth: currentQueueSize,
    });
    oracle.counters({
      source: 'Prometheus',
      published: metricOf(metrics, 'arus_mqtt_messages_published_total'),
      dropped: metricOf(metrics, 'arus_mqtt_messages_dropped_total'),
      deadLettered: metricOf(metrics, 'arus_sync_dead_lettered_total'),
      depth: metricOf(metrics, 'arus_mqtt_queue_depth'),
    });
    expect(await service.stop()).toBe(0);
    const name = 'counters after cuts, a full queue and refusals';
    const report = await receiver.judge(oracle.report({ name, rounds: ROUNDS, everyArrivalIsPromised: true }));
    expect(report.dropped).toBeGreaterThan(0);
    expect(report.deadLettered).toBe(deadLetters.length);
    expect(deadLetters.map(({ reasonCode }) => reasonCode)).toEqual(deadLetters.map(() => 0x87));
    conclude(report);
  });
});

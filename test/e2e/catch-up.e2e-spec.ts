import { expect, it } from 'vitest';
import { CatchUpNotSentError, CatchUpTimeoutError, NotSubscribedError } from '../../src/mqtt-sync/errors.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { Asker } from '../helpers/asker.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** A broker, a ship that sends, and what the shore is started with. */
async function setScene(config?: string) {
  const broker = await Mosquitto.start(config === undefined ? {} : { config });
  const ship = await SyncApplication.start({
    ...{ brokerUrl: broker.url, queue: { dir: queueFolder() }, catchUp: { maxPerSecond: 1000 } },
  });
  await ship.connected();
  return { broker, ship };
}

async function publish(ship: SyncApplication, from: number, to: number): Promise<void> {
  const changes = numbers(to).slice(from - 1);
  await ship.publisher.publishMany(
    changes.map((n) => ({ entity: 'crew', operation: 'update', data: { n }, key: `${n}` })),
  );
  await ship.drained();
}

/** Starts a shore that counts how often it handled each change. */
async function startShore(options: MqttSyncOptions) {
  const shore = await ShoreApplication.create(options);
  const handled: number[] = [];
  shore.subscriber.subscribe<{ n: number }>('crew', ({ n }) => void handled.push(n));
  await shore.receive();
  await shore.subscribed(options.incoming?.catchUp === 'manual' ? 3 : 4);
  const has = (count: number) =>
    until(() => handled.length >= count, {
      deadlineMs: 40_000,
      what: () => `${count} changes on shore; ${handled.length} came, ${shore.status.gaps.missingCount} are missing`,
    });
  const sorted = () => [...handled].sort((a, b) => a - b);
  return { shore, has, sorted };
}

describeWithMosquitto('Catching up', () => {
  it('asks by itself for what the broker did not keep, and handles each change once', async () => {
    const { broker, ship } = await setScene('allow_anonymous true\nmax_queued_messages 10');
    const options = { brokerUrl: broker.url, inbox: { dir: queueFolder() }, incoming: { gapGraceS: 1 } };
    const first = await startShore(options);
    await publish(ship, 1, 5);
    await first.has(5);
    await first.shore.close();
    await publish(ship, 6, 300);
    const second = await startShore(options);
    await publish(ship, 301, 302);
    await second.has(297);
    expect([...first.sorted(), ...second.sorted()]).toEqual(numbers(302));
    expect(second.shore.status.gaps.missingCount).toBe(0);
  }, 90_000);

  it('gives a late joiner everything from the first change on, where that is wanted', async () => {
    const { broker, ship } = await setScene();
    await publish(ship, 1, 50);
    const inbox = { dir: queueFolder(), catchUpFrom: 'beginning' } as const;
    const { has, sorted } = await startShore({ brokerUrl: broker.url, inbox, incoming: { gapGraceS: 1 } });
    await publish(ship, 51, 51);
    await has(51);
    expect(sorted()).toEqual(numbers(51));
  }, 90_000);

  it('asks when it is told to, and says what became of it', async () => {
    const { broker, ship } = await setScene();
    await publish(ship, 1, 40);
    const { shore, has, sorted } = await startShore({ brokerUrl: broker.url, incoming: { catchUp: 'manual' } });
    await until(() => shore.status.connected, { what: 'the shore to connect' });
    const query = { vesselId: 'mv-test', entity: 'crew' };
    const result = await shore.catchUp.request({ ...query, sinceSequence: 10 });
    expect(result).toEqual({ asked: 1, received: 30, lost: 0, more: false });
    await has(30);
    expect(sorted()).toEqual(numbers(40).slice(10));
    await expect(shore.catchUp.request({ ...query, entity: 'alerts' })).rejects.toBeInstanceOf(NotSubscribedError);
    const absent = shore.catchUp.request({ ...query, vesselId: 'mv-absent' }, { timeoutMs: 300 });
    await expect(absent).rejects.toBeInstanceOf(CatchUpTimeoutError);
    await broker.stop();
    await until(() => !shore.status.connected, { what: 'the shore to notice' });
    await expect(shore.catchUp.request(query)).rejects.toBeInstanceOf(CatchUpNotSentError);
  }, 90_000);

  it('is asked for over HTTP, and the answer bears the id', async () => {
    const { broker, ship } = await setScene();
    const asker = await Asker.at(broker.url);
    await publish(ship, 1, 5);
    const env = { MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: temporaryFolder(), VESSEL_ID: 'office' };
    const service = await ServiceProcess.start(env);
    const ask = (body: unknown) =>
      service.request('/api/mqtt/reliable-sync/catchup', {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      });
    const query = { vesselId: 'mv-test', entity: 'crew' };
    await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    const { status, body } = await ask({ ...query, sinceSequence: 2 });
    expect([status, body]).toMatchObject([202, { requestId: expect.any(String) as string }]);
    const { answered } = await asker.answered((body as { requestId: string }).requestId);
    expect(answered).toMatchObject({ total: 3, upTo: 5 });
    expect(await ask({ ...query, limit: 0 })).toMatchObject({ status: 400, body: { code: 'CATCH_UP_INVALID' } });
  }, 90_000);
});

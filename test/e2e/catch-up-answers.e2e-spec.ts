import { expect, it } from 'vitest';
import type { CatchUpFeature } from '../../src/mqtt-sync/catch-up-feature.module.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import type { SourceQuery } from '../../src/mqtt-sync/publisher/catch-up/catch-up-source.js';
import { Asker } from '../helpers/asker.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

async function setScene(options: MqttSyncOptions = {}, features: readonly CatchUpFeature[] = []) {
  const broker = await Mosquitto.start();
  const link = await TcpProxy.start(broker.port);
  const asker = await Asker.at(broker.url);
  const queue = { dir: queueFolder() };
  const ship = await SyncApplication.start({ brokerUrl: link.url, queue, reconnectMaxS: 1, ...options }, features);
  await ship.connected();
  // The broker knows that the ship listens.
  await until(() => broker.log.includes('vessel/sync/catchup/request (QoS 1)'), { what: 'the ship to subscribe' });
  return { broker, link, asker, ship };
}

async function publish(ship: SyncApplication, entity: string, count: number): Promise<void> {
  await ship.publisher.publishMany(
    numbers(count).map((n) => ({ entity, operation: 'update', data: { n }, key: String(n % 3) })),
  );
  await ship.drained();
}

describeWithMosquitto('Answering requests for catch-up', () => {
  it('sends again what was delivered, as it was first sent, and says how it ended', async () => {
    const { asker, ship } = await setScene({ catchUp: { maxPerSecond: 1000 } });
    await publish(ship, 'work_orders', 40);
    await until(() => asker.heard.filter(({ envelope }) => envelope.type === 'data_change').length === 40, {
      what: '40 changes',
    });
    const first = new Map(asker.heard.map(({ envelope }) => [envelope.messageId, envelope]));
    const id = await asker.ask('work_orders', { ranges: [{ from: 11, to: 20 }] });
    const end = await asker.answered(id);
    expect(end).toMatchObject({
      ...{ type: 'gap', entity: 'work_orders', vesselId: 'mv-test', data: { ranges: [] } },
      answered: { request: id, total: 10, upTo: 20, more: false },
    });
    expect(asker.replayed.map(({ sequence }) => sequence)).toEqual(numbers(20).slice(10));
    for (const [at, envelope] of asker.replayed.entries()) {
      const added = { type: 'catchup', request: id, index: at + 1, total: 10 };
      expect(envelope).toEqual({ ...first.get(envelope.messageId), ...added });
    }
    const replays = asker.heard.filter(({ topic }) => topic === 'vessel/sync/catchup/work_orders');
    expect(replays.map(({ retain }) => retain)).toEqual(Array(10).fill(false));
    expect(ship.status.statistics.messagesPublished).toBe(40);
  });

  it('ignores junk, and what another vessel is asked for', async () => {
    const { asker, ship } = await setScene();
    await publish(ship, 'crew', 3);
    for (const junk of ['', 'null', '{', '[]', '{"type":"catchup"}', 'x'.repeat(100_000)]) await asker.send(junk);
    await asker.ask('crew', { vesselId: 'mv-other' });
    await asker.ask('crew', { ranges: [{ from: 3, to: 1 }] });
    await asker.ask('system');
    const end = await asker.answered(await asker.ask('crew', { sinceSequence: 1 }));
    expect(end.answered).toMatchObject({ total: 2, upTo: 3 });
    expect(asker.heard.filter(({ envelope }) => 'answered' in envelope)).toHaveLength(1);
    expect(asker.replayedSequences).toEqual([2, 3]);
  });

  it('goes on after cuts of the link, and leaves nothing out', async () => {
    const { asker, ship, link } = await setScene({ catchUp: { maxPerSecond: 100 } });
    await publish(ship, 'equipment', 200);
    const id = await asker.ask('equipment');
    for (const reached of [30, 80, 130]) {
      await until(() => asker.replayed.length >= reached, { deadlineMs: 30_000, what: `${reached} changes again` });
      link.cut();
      await ship.connected();
    }
    const end = await asker.answered(id, 30_000);
    expect(end.answered).toMatchObject({ total: 200, more: false });
    expect(asker.replayedSequences).toEqual(numbers(200));
  }, 90_000);

  it('lets live changes and alerts overtake it', async () => {
    const { asker, ship } = await setScene({ catchUp: { maxPerSecond: 50 } });
    await publish(ship, 'equipment', 400);
    const id = await asker.ask('equipment');
    await until(() => asker.replayed.length >= 20, { what: 'the replay to be under way' });
    const receipt = await ship.publisher.publish('alerts', 'create', { id: 'A-1' });
    await receipt.delivered({ timeoutMs: 15_000 });
    expect(asker.replayed.length).toBeLessThan(400);
    await asker.answered(id, 60_000);
    expect(asker.replayedSequences).toEqual(numbers(400));
  });

  it('answers no more than it is asked for at a time, and says that there is more', async () => {
    const { asker, ship } = await setScene({ catchUp: { maxPerSecond: 1000 } });
    await publish(ship, 'crew', 30);
    const end = await asker.answered(await asker.ask('crew', { limit: 12 }));
    expect(end.answered).toMatchObject({ total: 12, upTo: 12, more: true });
    const rest = await asker.answered(await asker.ask('crew', { sinceSequence: 12 }));
    expect(rest.answered).toMatchObject({ total: 18, upTo: 30, more: false });
  });

  it('reads from a source what the journal does not have, once however often it is asked, and tells it as pruned', async () => {
    const queries: SourceQuery[] = [];
    const source = {
      *changes(query: SourceQuery) {
        queries.push(query);
        for (const key of ['WO-1', 'WO-2'])
          yield { operation: 'update', key, data: { key }, timestamp: '2026-01-01T00:00:00Z' } as const;
      },
    };
    const options = { journal: { maxBytes: 0 }, catchUp: { maxPerSecond: 1000 } };
    const { asker, ship } = await setScene(options, [{ entity: 'work_orders', source }]);
    await publish(ship, 'work_orders', 5);
    for (let round = 1; round <= 2; round++) {
      const end = await asker.answered(await asker.ask('work_orders', { ranges: [{ from: 2, to: 9 }] }));
      expect(end.data.ranges).toEqual([{ from: 2, to: 5, reason: 'pruned' }]);
      expect(end.answered).toMatchObject({ total: 2, upTo: 5, more: false });
    }
    expect(queries[0]).toMatchObject({ entity: 'work_orders', afterSequence: 1 });
    expect(asker.replayed.map(({ key, sequence }) => [key, sequence])).toEqual([
      ...[
        ['WO-1', undefined],
        ['WO-2', undefined],
      ],
      ...[
        ['WO-1', undefined],
        ['WO-2', undefined],
      ],
    ]);
    expect(new Set(asker.replayed.map(({ messageId }) => messageId)).size).toBe(2);
  });

  it('tells again what was dropped, and everything of a life of the queue that is over', async () => {
    const { asker, ship, link } = await setScene({ queue: { dir: queueFolder(), maxMessages: 5 } });
    await publish(ship, 'crew', 2);
    await link.refuse();
    link.cut();
    await until(() => !ship.status.connected, { what: 'the ship to lose its link' });
    for (const n of numbers(8)) await ship.publisher.publish('crew', 'update', { n }, { key: 'x' });
    await link.accept();
    await ship.drained();
    const end = await asker.answered(await asker.ask('crew', { ranges: [{ from: 1, to: 10 }] }));
    expect(end.data.ranges).toEqual([{ from: 3, to: 5, reason: 'dropped' }]);
    expect(asker.replayedSequences).toEqual([1, 2, 6, 7, 8, 9, 10]);
    const old = await asker.answered(await asker.ask('crew', { epoch: 7, ranges: [{ from: 4, to: 6 }] }));
    expect(old).toMatchObject({ epoch: 7, data: { ranges: [{ from: 4, to: 6, reason: 'pruned' }] } });
  });
});

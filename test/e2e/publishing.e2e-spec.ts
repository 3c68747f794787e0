import { expect, it } from 'vitest';
import { QueueFullError, StoppingError } from '../../src/mqtt-sync/errors.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { Shore } from '../helpers/shore.js';
import { queueFolder, SyncApplication, startBehindLink } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describeWithMosquitto('Publishing from a Nest application', () => {
  it.each(['disk', 'memory'] as const)(
    'delivers what was published, with the envelope of the wire contract (%s)',
    async (store) => {
      const broker = await Mosquitto.start();
      const shore = await Shore.listen(broker.url);
      const application = await SyncApplication.start({ brokerUrl: broker.url, queue: { store, dir: queueFolder() } });
      await application.connected();
      const receipt = await application.publisher.publish('work_orders', 'update', { id: 'WO-1', status: 'closed' });
      expect(receipt).toMatchObject({ sequence: 1, durable: store === 'disk', waiting: false, skipped: false });
      await receipt.delivered({ timeoutMs: 5000 });
      await shore.has(1);
      expect(shore.received.find(({ envelope }) => envelope.type === 'data_change')).toEqual({
        topic: 'vessel/sync/work_orders',
        retain: false,
        envelope: {
          type: 'data_change',
          entity: 'work_orders',
          operation: 'update',
          key: 'WO-1',
          messageId: receipt.messageId,
          vesselId: 'mv-test',
          timestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
          epoch: expect.any(Number) as number,
          sequence: 1,
          data: { id: 'WO-1', status: 'closed' },
        },
      });
    },
  );

  it('keeps the order of calls that nobody awaits, over three entity types and both QoS', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const application = await SyncApplication.start({ brokerUrl: broker.url, queue: { dir: queueFolder() } });
    await Promise.all(
      numbers(900).map((n) =>
        application.publisher.publish(
          ['work_orders', 'alerts', 'crew'][n % 3]!,
          'update',
          { n },
          { key: String(n % 5) },
        ),
      ),
    );
    await shore.has(900);
    for (const entity of ['work_orders', 'alerts', 'crew']) expect(shore.sequencesOf(entity)).toEqual(numbers(300));
    for (const entity of ['work_orders', 'alerts', 'crew']) {
      const called = shore.changes
        .filter((change) => change.entity === entity)
        .map(({ data }) => (data as { n: number }).n);
      expect(called).toEqual([...called].sort((a, b) => a - b));
    }
  });

  it('accepts while the broker is away, is degraded, and delivers everything in order when it comes', async () => {
    const port = await freePort();
    const application = await SyncApplication.start({
      brokerUrl: `mqtt://127.0.0.1:${port}`,
      reconnectMaxS: 1,
      queue: { dir: queueFolder() },
    });
    const receipts = await application.publisher.publishMany(
      numbers(500).map((n) => ({ entity: 'equipment', operation: 'update', data: { n }, key: 'pump-1' }) as const),
    );
    expect(receipts[0]).toMatchObject({ waiting: true, durable: true });
    expect(application.status.reasons).toEqual(['not_connected']);
    const broker = await Mosquitto.start({ port });
    const shore = await Shore.listen(broker.url);
    await application.drained();
    // Subscribed after the first of them: what is retained is the last.
    await until(() => shore.sequencesOf('equipment').at(-1) === 500, { what: 'the newest change' });
    expect(application.status.statistics).toMatchObject({
      messagesPublished: 500,
      messagesQueued: 500,
      queueFlushes: 1,
    });
    expect(application.status.status).toBe('healthy');
  });

  it('loses nothing and keeps the order over a link that is cut again and again', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const { link, application } = await startBehindLink(broker);
    for (const round of numbers(10)) {
      await application.connected();
      const accepted = numbers(200).map((n) =>
        application.publisher.publish(
          'work_orders',
          'update',
          { round, n },
          { key: `k${n % 7}`, qos: n % 3 === 0 ? 2 : 1 },
        ),
      );
      await Promise.all(accepted.slice(0, round * 20));
      link.cut();
      await Promise.all(accepted);
    }
    await shore.has(2000);
    await application.drained();
    const byKey = new Map<string, number[]>();
    const seen = new Set<string>();
    for (const { key = '', sequence, messageId } of shore.changes) {
      if (seen.has(messageId)) continue;
      seen.add(messageId);
      byKey.set(key, [...(byKey.get(key) ?? []), sequence]);
    }
    for (const sequences of byKey.values()) expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect([...byKey.values()].flat()).toHaveLength(2000);
  });

  it('goes on after a restart with what was left, under the same sequence and epoch', async () => {
    const port = await freePort();
    const dir = queueFolder();
    const options = { brokerUrl: `mqtt://127.0.0.1:${port}`, reconnectMaxS: 1, queue: { dir } };
    const first = await SyncApplication.start(options);
    await first.publisher.publish('crew', 'create', { id: 1 });
    await first.close();
    const broker = await Mosquitto.start({ port });
    const shore = await Shore.listen(broker.url);
    const second = await SyncApplication.start(options);
    await second.publisher.publish('crew', 'create', { id: 2 });
    await shore.has(2);
    expect(shore.sequencesOf('crew')).toEqual([1, 2]);
    expect(new Set(shore.changes.map(({ epoch }) => epoch)).size).toBe(1);
  });

  it('announces itself online and offline with retained messages, and leaves the will to a broken connection', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const link = await TcpProxy.start(broker.port);
    const application = await SyncApplication.start({
      brokerUrl: link.url,
      reconnectMaxS: 1,
      queue: { store: 'memory' },
    });
    const statuses = () =>
      shore.received.flatMap(({ envelope }) => (envelope.type === 'status' ? envelope.data.status : []));
    await until(() => statuses().length === 1, { what: 'the online status' });
    link.cut();
    await until(() => statuses().length === 3, { what: 'will and new online status' });
    await application.close();
    await until(() => statuses().length === 4, { what: 'the offline status' });
    expect(statuses()).toEqual(['online', 'offline', 'online', 'offline']);
    const late = await Shore.listen(broker.url);
    await until(() => late.received.length === 1, { what: 'the retained status' });
    expect(late.received[0]).toMatchObject({
      topic: 'vessel/sync/system/status/mv-test',
      retain: true,
      envelope: { type: 'status', vesselId: 'mv-test', data: { status: 'offline' } },
    });
  });

  it('drops the oldest when full, and tells the other side exactly which sequences it will never see', async () => {
    // A gap is not retained: whoever is to hear of it has to listen before the link comes up.
    const broker = await Mosquitto.start({ config: 'allow_anonymous true' });
    const shore = await Shore.listen(broker.url);
    const link = await TcpProxy.start(broker.port);
    await link.refuse();
    const application = await SyncApplication.start({
      brokerUrl: link.url,
      reconnectMaxS: 1,
      queue: { dir: queueFolder(), maxMessages: 10 },
    });
    for (const n of numbers(25)) await application.publisher.publish('work_orders', 'update', { n }, { key: 'a' });
    expect(application.status.statistics.messagesDropped).toBe(15);
    await link.accept();
    await application.drained();
    const gap = await until(() => shore.received.find(({ envelope }) => envelope.type === 'gap'), {
      deadlineMs: 15_000,
      what: 'the gap message',
    });
    expect(gap).toMatchObject({
      topic: 'vessel/sync/system/gap/mv-test',
      envelope: { entity: 'work_orders', data: { ranges: [{ from: 1, to: 15, reason: 'dropped' }] } },
    });
    await until(() => application.status.queue.untoldGaps === 0, { what: 'the gap to be forgotten' });
  });

  it('rejects with a typed error when full under the policy reject, and stores nothing', async () => {
    const application = await SyncApplication.start({
      brokerUrl: `mqtt://127.0.0.1:${await freePort()}`,
      queue: { store: 'memory', maxMessages: 2, overflowPolicy: 'reject' },
    });
    const publish = () => application.publisher.publish('crew', 'delete', undefined, { key: 'a' });
    await publish();
    await publish();
    await expect(publish()).rejects.toThrow(QueueFullError);
    expect(application.status.queue.messages).toBe(2);
    expect(application.status.statistics).toMatchObject({ messagesDropped: 0, publishFailures: 1 });
  });

  it('takes a repeated message id for one change', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const application = await SyncApplication.start({ brokerUrl: broker.url, queue: { dir: queueFolder() } });
    const post = () => application.publisher.publish('alerts', 'create', { id: 'A1' }, { messageId: 'post-1' });
    const [first, second] = await Promise.all([post(), post()]);
    await first.delivered();
    const third = await post();
    expect([second.sequence, third.sequence]).toEqual([1, 1]);
    await application.publisher.publish('alerts', 'create', { id: 'A2' });
    await shore.has(2);
    expect(shore.sequencesOf('alerts')).toEqual([1, 2]);
    expect(shore.changes).toHaveLength(2);
  });

  it('stops within its deadline with a broker that never acknowledges, and refuses changes meanwhile', async () => {
    const broker = await Mosquitto.start();
    const link = await TcpProxy.start(broker.port);
    const application = await SyncApplication.start({
      brokerUrl: link.url,
      shutdownDeadlineMs: 1000,
      queue: { dir: queueFolder() },
    });
    await application.connected();
    link.blackHole();
    await application.publisher.publish('crew', 'create', { id: 1 });
    const begun = performance.now();
    const closing = application.close();
    await until(() => application.publisher.isStopping, { what: 'the stop to begin' });
    await expect(application.publisher.publish('crew', 'create', { id: 2 })).rejects.toThrow(StoppingError);
    await closing;
    // Far from the keepalive, and from what an acknowledgement is waited for.
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('never has more than half of the queue in flight, so that the rest can make room', async () => {
    const broker = await ScriptedBroker.start({ ack: () => 'withhold' });
    const application = await SyncApplication.start({
      brokerUrl: broker.url,
      inflightWindow: 1000,
      shutdownDeadlineMs: 500,
      queue: { store: 'memory', maxMessages: 10 },
    });
    await application.connected();
    for (const n of numbers(30)) await application.publisher.publish('crew', 'update', { n }, { key: 'a' });
    await until(() => application.status.inFlight >= 5, { what: 'the window to fill' });
    expect(application.status.statistics.messagesDropped).toBe(20);
    const sent = broker.packets('publish').filter(({ topic }) => topic === 'vessel/sync/crew');
    // One place is taken by the status, which nobody acknowledges either.
    expect(sent).toHaveLength(4);
  });

  it('neither stores nor sends anything while sync is off, and says so', async () => {
    const application = await SyncApplication.start({ localMode: false });
    const receipt = await application.publisher.publish('crew', 'create', { id: 1 });
    expect(receipt).toMatchObject({ skipped: true, sequence: undefined, durable: false });
    await receipt.delivered();
    expect(application.status.reasons).toEqual(['local_mode_off']);
    expect(application.status.queue.messages).toBe(0);
  });
});

import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { until } from '../../../test/helpers/wait.js';
import { FakeClock } from '../time/fake-clock.js';

/** A handler whose calls a test finishes by hand, in any order. */
class ManualHandler {
  readonly calls: { readonly data: unknown; readonly done: () => void; readonly fail: (error: Error) => void }[] = [];

  readonly handle = ({ data }: { data: unknown }): Promise<void> =>
    new Promise((resolve, reject) => this.calls.push({ data, done: () => resolve(), fail: reject }));

  async called(count: number): Promise<void> {
    await until(() => this.calls.length >= count, { what: () => `${count} calls; there were ${this.calls.length}` });
  }
}

describe('a receiver', () => {
  it('opens no connection while nothing is subscribed', async () => {
    const scene = await ReceiverScene.set();
    scene.receiver.start('shore');
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.inbox.isOpen).toBe(false);
    scene.receiver.subscribe('work_orders', () => {});
    const [connect] = await scene.broker.waitFor('connect');
    expect(connect).toMatchObject({
      clientId: 'arus_sync_shore_in',
      clean: false,
      properties: { sessionExpiryInterval: 604_800, receiveMaximum: 1000 },
    });
  });

  it('subscribes at QoS 1 to what happens and to what is sent again', async () => {
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', () => {});
    scene.receiver.subscribe('maintenance_schedules', () => {});
    await scene.start();
    const [subscribe] = scene.broker.packets('subscribe');
    expect(subscribe?.subscriptions).toMatchObject(
      ['work_orders', 'catchup/work_orders', 'maintenance', 'catchup/maintenance'].map((topic) => ({
        topic: `vessel/sync/${topic}`,
        qos: 1,
        rh: 1,
      })),
    );
    expect(scene.receiver.activeSubscriptions).toBe(4);
  });

  it('acknowledges when the handler has succeeded, not before', async () => {
    const handler = new ManualHandler();
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', handler.handle);
    await scene.start();
    scene.send(7, envelope(1));
    await handler.called(1);
    expect(handler.calls[0]?.data).toEqual({ sequence: 1 });
    expect(scene.inbox.handled).toEqual([]);
    expect(scene.acknowledged).toEqual([]);
    handler.calls[0]!.done();
    await scene.hasAcknowledged(7);
    expect(scene.inbox.handled).toMatchObject([{ messageId: 'm1', vesselId: 'mv-ship', epoch: 1, sequence: 1 }]);
  });

  it('acknowledges only when the inbox has committed', async () => {
    let commit = (): void => {};
    const scene = await ReceiverScene.set();
    scene.inbox.commit = new Promise<void>((resolve) => (commit = resolve));
    scene.receiver.subscribe('work_orders', () => {});
    await scene.start();
    scene.send(7, envelope(1));
    await until(() => scene.inbox.handled.length === 1, { what: 'the record' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(scene.acknowledged).toEqual([]);
    commit();
    await scene.hasAcknowledged(7);
  });

  it('acknowledges in the order of arrival, whatever is through first', async () => {
    const handler = new ManualHandler();
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('+', handler.handle);
    await scene.start();
    for (const n of [1, 2, 3]) scene.send(10 + n, envelope(n, { key: `WO-${n}` }));
    await handler.called(3);
    handler.calls[2]!.done();
    handler.calls[1]!.done();
    await scene.emitted('change_handled', 0);
    await until(() => scene.inbox.handled.length === 2, { what: 'two records' });
    expect(scene.acknowledged).toEqual([]);
    handler.calls[0]!.done();
    await scene.hasAcknowledged(11, 12, 13);
    expect(scene.acknowledged).toEqual([11, 12, 13]);
  });

  it('handles changes of one key one after the other, and others meanwhile', async () => {
    const handler = new ManualHandler();
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', handler.handle);
    await scene.start();
    scene.send(1, envelope(1, { key: 'A' }));
    scene.send(2, envelope(2, { key: 'A' }));
    scene.send(3, envelope(3, { key: 'B' }));
    await handler.called(2);
    expect(handler.calls.map(({ data }) => data)).toEqual([{ sequence: 1 }, { sequence: 3 }]);
    handler.calls[0]!.done();
    await handler.called(3);
    expect(handler.calls[2]?.data).toEqual({ sequence: 2 });
  });

  it('runs no more handlers at a time than it may', async () => {
    const handler = new ManualHandler();
    const scene = await ReceiverScene.set({ incoming: { concurrency: 2 } });
    scene.receiver.subscribe('work_orders', handler.handle);
    await scene.start();
    for (const n of [1, 2, 3]) scene.send(n, envelope(n, { key: `WO-${n}` }));
    await handler.called(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(handler.calls).toHaveLength(2);
    handler.calls[0]!.done();
    await handler.called(3);
  });

  it('waits for an observable that a handler returns', async () => {
    const stream = new Subject<void>();
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', () => Promise.resolve(stream));
    await scene.start();
    scene.send(1, envelope(1));
    await until(() => stream.observed, { what: 'a subscriber of the observable' });
    stream.next();
    expect(scene.acknowledged).toEqual([]);
    stream.complete();
    await scene.hasAcknowledged(1);
  });

  it('does not handle what it handled before, but acknowledges it', async () => {
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', ({ data }) => void handled.push(data));
    await scene.start();
    scene.send(1, envelope(1));
    await scene.hasAcknowledged(1);
    scene.send(2, envelope(1), { dup: true });
    await scene.hasAcknowledged(1, 2);
    expect(handled).toHaveLength(1);
    expect(scene.events).toEqual(['change_handled', 'change_repeated']);
  });

  it('acknowledges its own changes without handling them', async () => {
    const handler = new ManualHandler();
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', handler.handle);
    await scene.start();
    scene.send(1, envelope(1, { vesselId: 'shore' }));
    await scene.hasAcknowledged(1);
    expect(handler.calls).toEqual([]);
    expect(scene.events).toEqual(['change_echoed']);
  });

  it('acknowledges QoS 2 messages of a broker that sends them all the same', async () => {
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', () => {});
    await scene.start();
    scene.send(5, envelope(1), { qos: 2 });
    const [pubrec] = await scene.broker.waitFor('pubrec');
    expect(pubrec?.messageId).toBe(5);
    scene.broker.last.send({ cmd: 'pubrel', messageId: 5 });
    await scene.broker.waitFor('pubcomp');
  });
});

describe('a handler that fails', () => {
  it('is tried again with backoff, then its change is parked and acknowledged', async () => {
    const clock = new FakeClock();
    const scene = await ReceiverScene.set({ clock, incoming: { retryForMs: 1000 } });
    let tries = 0;
    scene.receiver.subscribe('work_orders', () => {
      tries++;
      throw new Error('no such order');
    });
    await scene.start();
    scene.send(1, envelope(1));
    await scene.emitted('change_failed');
    expect(scene.acknowledged).toEqual([]);
    for (let passed = 0; passed < 1000; passed += 50) {
      clock.advance(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await scene.hasAcknowledged(1);
    expect(tries).toBeGreaterThan(2);
    expect(scene.inbox.parkedMessages).toMatchObject([
      { reason: 'handler_failed', error: 'no such order', attempts: tries, identity: { messageId: 'm1' } },
    ]);
  });
});

describe('the own traffic of the library', () => {
  const GAP = 'vessel/sync/system/gap/mv-ship';

  it('goes to who listens, in order, and is acknowledged when it has been taken; a failure is tried again', async () => {
    const taken: string[] = [];
    let failures = 1;
    const scene = await ReceiverScene.set();
    scene.receiver.listen({
      filter: ({ prefix }) => `${prefix}/system/gap/+`,
      opensConnection: true,
      receive: ({ payload }) => {
        if (failures-- > 0) return Promise.reject(new Error('not now'));
        taken.push(payload.toString());
        return Promise.resolve();
      },
    });
    await scene.start();
    scene.send(1, 'first', { topic: GAP });
    scene.send(2, 'second', { topic: GAP });
    await scene.hasAcknowledged(1, 2);
    expect(taken).toEqual(['first', 'second']);
  });

  it('is acknowledged where nobody listens, opens no connection by itself, and reaches no handler', async () => {
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set();
    const stop = scene.receiver.listen({
      filter: ({ prefix }) => `${prefix}/system/gap/+`,
      opensConnection: false,
      receive: () => Promise.reject(new Error('must not be called')),
    });
    scene.receiver.start('shore');
    expect(scene.receiver.isWanted).toBe(false);
    stop();
    scene.receiver.subscribe('#', ({ data }) => void handled.push(data));
    await scene.start();
    scene.send(1, 'a gap', { topic: GAP });
    scene.send(2, 'a request', { topic: 'vessel/sync/catchup/request' });
    scene.send(3, 'elsewhere', { topic: 'other/topic' });
    await scene.hasAcknowledged(1, 2, 3);
    expect(handled).toEqual([]);
    expect(scene.events).toEqual(['change_unclaimed']);
    expect(scene.logger.matching(/acknowledged without a handler.*other\/topic/)).toHaveLength(1);
  });
});

describe('an envelope of a type that this version does not know', () => {
  it('is acknowledged and reaches no handler, nor the parked messages', async () => {
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('+', ({ data }) => void handled.push(data));
    await scene.start();
    scene.send(1, JSON.stringify({ ...envelope(1), type: 'check', data: {} }));
    scene.send(2, envelope(2, { data: 'known' }));
    await scene.hasAcknowledged(1, 2);
    expect([handled, scene.events]).toEqual([['known'], ['change_unclaimed', 'change_handled']]);
    expect([...scene.inbox.parked()]).toEqual([]);
  });
});

describe('a vessel that speaks for another one', () => {
  const OWN = 'vessel/mv-ship/up/work_orders';

  it('has its change parked and acknowledged, and nothing recorded of the other', async () => {
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set({ inboundPrefix: 'vessel/+/up' });
    scene.receiver.subscribe('+', ({ data }) => void handled.push(data));
    await scene.start();
    scene.send(1, envelope(1, { vesselId: 'mv-other' }), { topic: OWN });
    scene.send(2, envelope(2, { vesselId: 'shore' }), { topic: OWN });
    scene.send(3, envelope(3, { entity: 'alerts' }), { topic: OWN });
    scene.send(4, envelope(4), { topic: OWN });
    await scene.hasAcknowledged(1, 2, 3, 4);
    expect(handled).toEqual([{ sequence: 4 }]);
    expect(scene.inbox.handled).toMatchObject([{ messageId: 'm4', vesselId: 'mv-ship' }]);
    expect(scene.inbox.parkedMessages).toMatchObject(
      ['"mv-other"', '"shore"', '"alerts"'].map((claim) => ({
        ...{ topic: OWN, reason: 'topic_mismatch', identity: undefined, attempts: 0 },
        error: expect.stringContaining(claim) as string,
      })),
    );
    expect(scene.events.filter((event) => event === 'change_parked')).toHaveLength(3);
    await expect(scene.receiver.handleAgain(scene.inbox.parkedMessages[0]!)).rejects.toThrow(/vesselId is "mv-other"/);
  });

  it('is believed where + stands for something else', async () => {
    const scene = await ReceiverScene.set({ inboundPrefix: 'region/+/up', incoming: { verifySender: false } });
    scene.receiver.subscribe('work_orders', () => {});
    await scene.start();
    scene.send(1, envelope(1), { topic: 'region/north/up/work_orders' });
    await scene.hasAcknowledged(1);
    expect(scene.inbox.handled).toHaveLength(1);
  });

  it('is not heard about the gaps of the other', async () => {
    const taken: string[] = [];
    const scene = await ReceiverScene.set({ inboundPrefix: 'vessel/+/up' });
    scene.receiver.listen({
      filter: ({ prefix }) => `${prefix}/system/gap/+`,
      opensConnection: true,
      receive: ({ topic }) => Promise.resolve(void taken.push(topic)),
    });
    await scene.start();
    for (const id of ['mv-other', 'mv-ship'])
      scene.send(id.length, 'a gap', { topic: `vessel/mv-ship/up/system/gap/${id}` });
    await scene.hasAcknowledged(8, 7);
    expect(taken).toEqual(['vessel/mv-ship/up/system/gap/mv-ship']);
    expect(scene.logger.matching(/speaks of another vessel/)).toHaveLength(1);
  });
});

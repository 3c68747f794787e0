import { describe, expect, it } from 'vitest';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { until } from '../../../test/helpers/wait.js';
import { QueueUnavailableError } from '../errors.js';
import { FakeClock } from '../time/fake-clock.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 30));

/** A promise, and what resolves it. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a connection that dies', () => {
  it('makes the broker send again what is being handled: it is handled once, and acknowledged on the new connection only', async () => {
    const { opened, open } = gate();
    let calls = 0;
    const scene = await ReceiverScene.set({}, { connack: (_connect, number) => ({ sessionPresent: number > 1 }) });
    scene.receiver.subscribe('work_orders', () => {
      calls++;
      return opened;
    });
    const first = await scene.start();
    scene.send(1, envelope(1));
    await until(() => calls === 1, { what: 'the handler' });
    first.cut();
    await until(() => scene.broker.connections.length === 2, { what: 'the next connection' });
    await until(() => scene.receiver.isConnected, { what: 'the link' });
    scene.send(9, envelope(1), { dup: true });
    await scene.emitted('change_repeated');
    expect(scene.acknowledged).toEqual([]);
    open();
    await scene.hasAcknowledged(9);
    await turn();
    expect(scene.acknowledged).toEqual([9]);
    expect(calls).toBe(1);
  });

  it('subscribes again also in a session that the broker resumes, which may be older than the subscription', async () => {
    let answers = true;
    const scene = await ReceiverScene.set(
      {},
      {
        connack: (_connect, number) => ({ sessionPresent: number === 2 }),
        onPacket: ({ cmd }) => cmd === 'subscribe' && !answers,
      },
    );
    scene.receiver.subscribe('work_orders', () => {});
    const first = await scene.start();
    answers = false;
    first.cut();
    const [, again] = await scene.broker.waitFor('subscribe', 2);
    expect(again?.subscriptions).toMatchObject([
      { topic: 'vessel/sync/work_orders', qos: 1, rh: 1 },
      { topic: 'vessel/sync/catchup/work_orders', qos: 1, rh: 1 },
    ]);
    // Until it answers, the session that it says it has is believed.
    expect(scene.receiver.activeSubscriptions).toBe(2);
    answers = true;
    scene.broker.last.cut();
    await scene.broker.waitFor('subscribe', 3);
    await until(() => scene.receiver.activeSubscriptions === 2, { what: 'the subscriptions' });
  });

  it('is not cut for want of a SUBACK while what the session has kept is still coming', async () => {
    const clock = new FakeClock();
    const scene = await ReceiverScene.set(
      { clock },
      { connack: () => ({ sessionPresent: true }), onPacket: ({ cmd }) => cmd === 'subscribe' },
    );
    scene.receiver.subscribe('work_orders', () => {});
    scene.receiver.start('shore');
    await scene.broker.waitFor('subscribe');
    for (let n = 1; n <= 3; n++) {
      clock.advance(20_000);
      scene.send(n, envelope(n));
      await scene.emitted('change_handled', n);
    }
    expect(scene.receiver.isConnected).toBe(true);
    clock.advance(30_000);
    await until(() => !scene.receiver.isConnected, { what: 'the cut' });
  });

  it('does not subscribe again in a session that an MQTT 3.1.1 broker resumes: all retained messages would come again', async () => {
    const scene = await ReceiverScene.set(
      { protocol: '3.1.1' },
      { connack: (_connect, number) => ({ sessionPresent: number === 2 }) },
    );
    scene.receiver.subscribe('work_orders', () => {});
    (await scene.start()).cut();
    await until(() => scene.broker.connections.length === 2 && scene.receiver.isConnected, { what: 'connection 2' });
    await turn();
    expect(scene.broker.packets('subscribe')).toHaveLength(1);
    expect(scene.receiver.activeSubscriptions).toBe(2);
    scene.broker.last.cut();
    await scene.broker.waitFor('subscribe', 2);
  });

  it('leaves what is subscribed and unsubscribed meanwhile to the next one', async () => {
    // The next connection stays unanswered until everything has been asked for.
    const scene = await ReceiverScene.set({}, { connack: (_connect, number) => (number === 1 ? {} : undefined) });
    const unsubscribe = scene.receiver.subscribe('crew', () => {});
    scene.receiver.subscribe('work_orders', () => {});
    (await scene.start()).cut();
    await scene.broker.waitFor('connect', 2);
    unsubscribe();
    scene.receiver.subscribe('alerts', () => {});
    scene.broker.last.send({ cmd: 'connack', sessionPresent: true, reasonCode: 0, returnCode: 0 });
    const [unsubscribed] = await scene.broker.waitFor('unsubscribe');
    expect(unsubscribed?.unsubscriptions).toEqual(['vessel/sync/crew', 'vessel/sync/catchup/crew']);
    const [, second] = await scene.broker.waitFor('subscribe', 2);
    expect(second?.subscriptions.map(({ topic }) => topic)).toEqual([
      'vessel/sync/work_orders',
      'vessel/sync/catchup/work_orders',
      'vessel/sync/alerts',
      'vessel/sync/catchup/alerts',
    ]);
  });
});

describe('a subscription that the broker refuses', () => {
  it('is shown, logged once, and asked for again at the next connection', async () => {
    let refusals = 2;
    const scene = await ReceiverScene.set(
      {},
      {
        onPacket: (packet, connection) => {
          if (packet.cmd !== 'subscribe' || refusals-- <= 0) return false;
          connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: [0x87, 1] });
          return true;
        },
      },
    );
    scene.receiver.subscribe('work_orders', () => {});
    (await scene.start()).cut();
    const refused = [{ filter: 'vessel/sync/work_orders', reason: 'Not authorized (0x87)' }];
    expect(scene.receiver.refusedSubscriptions).toEqual(refused);
    expect(scene.receiver.activeSubscriptions).toBe(1);
    await scene.broker.waitFor('subscribe', 2);
    await until(() => scene.receiver.activeSubscriptions === 1, { what: 'the second answer' });
    scene.broker.last.cut();
    await until(() => scene.receiver.activeSubscriptions === 2, { what: 'the third answer' });
    expect(scene.receiver.refusedSubscriptions).toEqual([]);
    expect(scene.logger.matching(/No subscription to vessel\/sync\/work_orders: Not authorized/)).toHaveLength(1);
  });

  it('is refused by ourselves where MQTT 3.1.1 would take a shared one for a plain one', async () => {
    const scene = await ReceiverScene.set({ protocol: '3.1.1', incoming: { shareGroup: 'shore' } });
    scene.receiver.subscribe('work_orders', () => {});
    scene.receiver.start('shore');
    await until(() => scene.receiver.refusedSubscriptions.length === 2, { what: 'the refusals' });
    expect(scene.receiver.refusedSubscriptions[0]).toEqual({
      filter: '$share/shore/vessel/sync/work_orders',
      reason: 'shared subscriptions need MQTT 5, and this connection speaks 3.1.1',
    });
    await turn();
    expect(scene.broker.packets('subscribe')).toEqual([]);
  });
});

describe('an inbox that cannot record', () => {
  it('keeps back the acknowledgement, and further handlers, until it can', async () => {
    let calls = 0;
    const scene = await ReceiverScene.set();
    scene.inbox.failure = new QueueUnavailableError('no space left on device');
    scene.receiver.subscribe('work_orders', () => void calls++);
    await scene.start();
    scene.send(1, envelope(1, { key: 'A' }));
    await until(() => scene.receiver.unavailableReason !== undefined, { what: 'the failure' });
    scene.send(2, envelope(2, { key: 'B' }));
    await until(() => scene.receiver.unacknowledged === 2, { what: 'two messages' });
    await turn();
    expect(calls).toBe(1);
    expect(scene.acknowledged).toEqual([]);
    scene.inbox.failure = undefined;
    await scene.hasAcknowledged(1, 2);
    expect(calls).toBe(2);
    expect(scene.logger.matching(/cannot record what was handled.*no space left/)).toHaveLength(1);
    expect(scene.logger.matching(/The inbox records again/)).toHaveLength(1);
    expect(scene.receiver.unavailableReason).toBeUndefined();
  });
});

describe('a flood', () => {
  it('is read in portions, between which everything else has its turn', async () => {
    const count = 3000;
    let [handled, inThisTurn, mostInATurn] = [0, 0, 0];
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', () => {
      handled++;
      mostInATurn = Math.max(mostInATurn, ++inThisTurn);
    });
    await scene.start();
    const nextTurn = (): void => {
      inThisTurn = 0;
      if (handled < count) setImmediate(nextTurn);
    };
    nextTurn();
    for (let n = 1; n <= count; n++) scene.send(n, envelope(n, { key: `WO-${n}` }));
    await until(() => handled === count, { what: () => `${count} calls; there were ${handled}` });
    expect(mostInATurn).toBeLessThanOrEqual(128);
  });
});

describe('more than the memory should hold', () => {
  it('is not read until there is room, and the connection stays usable', async () => {
    const { opened, open } = gate();
    let calls = 0;
    const scene = await ReceiverScene.set({ protocol: '3.1.1', incoming: { maxBytes: 1024, concurrency: 1 } });
    scene.receiver.subscribe('work_orders', () => {
      calls++;
      return opened;
    });
    await scene.start();
    const data = 'x'.repeat(300);
    for (let n = 1; n <= 20; n++) scene.send(n, envelope(n, { key: `WO-${n}`, data }));
    await until(() => scene.receiver.unacknowledged >= 2, { what: 'the first messages' });
    await turn();
    expect(scene.receiver.unacknowledged).toBeLessThan(5);
    open();
    await until(() => calls === 20, { what: () => `20 calls; there were ${calls}` });
    await scene.hasAcknowledged(...Array.from({ length: 20 }, (_, n) => n + 1));
  });

  it('ends a connection that cannot be read for longer than its keepalive, and is handled all the same', async () => {
    const { opened, open } = gate();
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set(
      { keepaliveS: 1, incoming: { maxBytes: 1024, concurrency: 1 } },
      { connack: (_connect, number) => ({ sessionPresent: number > 1 }) },
    );
    scene.receiver.subscribe('work_orders', async ({ messageId }) => {
      await opened;
      handled.push(messageId);
    });
    await scene.start();
    const data = 'x'.repeat(600);
    const sendAll = () => {
      for (let n = 1; n <= 5; n++) scene.send(n, envelope(n, { key: `WO-${n}`, data }));
    };
    sendAll();
    await until(() => scene.broker.connections.length > 1, { what: 'the keepalive to give up', deadlineMs: 15_000 });
    open();
    await until(() => scene.receiver.isConnected, { what: 'the next link' });
    sendAll();
    await until(() => handled.length === 5, { what: () => `5 handled; ${handled.join()}` });
    await until(() => scene.receiver.unacknowledged === 0, { what: 'every acknowledgement' });
    expect(new Set(handled).size).toBe(5);
  }, 30_000);
});

describe('a stop', () => {
  it('takes nothing more, waits for the handler that runs, acknowledges it, and leaves the session to the next process', async () => {
    const { opened, open } = gate();
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set({ incoming: { concurrency: 1 } });
    scene.receiver.subscribe('work_orders', async ({ messageId }) => {
      await opened;
      handled.push(messageId);
    });
    await scene.start();
    scene.send(1, envelope(1, { key: 'A' }));
    scene.send(2, envelope(2, { key: 'A' }));
    await until(() => scene.receiver.unacknowledged === 2, { what: 'two messages' });
    const stopped = scene.receiver.stop(5000);
    open();
    await stopped;
    expect(handled).toEqual(['m1']);
    await until(() => !scene.broker.last.isOpen, { what: 'the end of the connection' });
    expect(scene.acknowledged).toEqual([1]);
    const [goodbye] = scene.broker.packets('disconnect');
    expect(goodbye?.properties?.sessionExpiryInterval).toBeUndefined();
    expect(scene.broker.packets('unsubscribe')).toEqual([]);
  });

  it('is bounded when a handler hangs, whose signal is aborted and whose change comes again', async () => {
    let aborted = false;
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', (_change, { signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => {});
    });
    await scene.start();
    scene.send(1, envelope(1));
    await until(() => scene.receiver.handlersRunning === 1, { what: 'the handler' });
    const beganMs = performance.now();
    await scene.receiver.stop(300);
    expect(performance.now() - beganMs).toBeLessThan(5000);
    expect(aborted).toBe(true);
    expect(scene.acknowledged).toEqual([]);
    expect(scene.inbox.handled).toEqual([]);
  });

  it('does not park what it keeps from being tried again', async () => {
    const scene = await ReceiverScene.set();
    scene.receiver.subscribe('work_orders', () => Promise.reject(new Error('down')));
    await scene.start();
    scene.send(1, envelope(1));
    await scene.emitted('change_failed');
    await scene.receiver.stop(300);
    expect(scene.inbox.parkedMessages).toEqual([]);
    expect(scene.acknowledged).toEqual([]);
  });
});

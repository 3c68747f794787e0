import { describe, expect, it, onTestFinished } from 'vitest';
import { MessageDeadLetteredError, MessageDroppedError, StoppingError } from '../../src/mqtt-sync/errors.js';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { DeliveryWatch } from '../../src/mqtt-sync/publisher/delivery-watch.js';
import { FlushWatch } from '../../src/mqtt-sync/publisher/flush-watch.js';
import { QueueEvents } from '../../src/mqtt-sync/publisher/queue-events.js';
import { MemoryQueue } from '../../src/mqtt-sync/queue/memory-queue.js';
import type { AcceptedMessage } from '../../src/mqtt-sync/queue/message.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { draft, FailingStore, TestQueue, turns } from './failing-store.js';

/** More than a queue holds in memory, so that the last messages of them are in the store only. */
const MANY = 9000;
const LIMITS = { maxMessages: 10_000, maxBytes: 1e9, overflowPolicy: 'drop-oldest' as const, maxDeadLetters: 10 };
const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };
const anyType = () => true;

/** What a wait has come to by now. */
async function stateOf(wait: Promise<void>): Promise<unknown> {
  const settled = wait.then(
    () => 'delivered',
    (error: unknown) => error,
  );
  await turns();
  return Promise.race([settled, Promise.resolve('waiting')]);
}

function takeAll(queue: SyncQueue): void {
  for (let message = queue.take('normal', anyType); message; message = queue.take('normal', anyType))
    queue.remove([message]);
}

/** A queue with the watch that lets callers wait for deliveries, wired as the publisher does it. */
function watched<Q extends SyncQueue>(queue: Q, clock: FakeClock) {
  const events = new SyncEvents(silentLogger);
  const watch = new DeliveryWatch(queue, clock);
  queue.observe(new QueueEvents(events, new FlushWatch(clock, events, silentLogger), watch, clock, silentLogger));
  onTestFinished(() => queue.close());
  return { queue, watch, clock };
}

async function opened() {
  const store = new FailingStore();
  const clock = new FakeClock();
  const parts = watched(new TestQueue(store, LIMITS, clock, silentLogger), clock);
  await parts.queue.open({ vesselId: 'v', isExplicit: true });
  return { ...parts, store };
}

async function acceptMany(queue: SyncQueue): Promise<readonly AcceptedMessage[]> {
  const accepted: AcceptedMessage[] = [];
  while (accepted.length < MANY) accepted.push(...(await queue.accept(Array.from({ length: 300 }, () => draft('a')))));
  return accepted;
}

describe('Waiting for a delivery', () => {
  it('goes on while the store cannot be read, and ends with the delivery', async () => {
    const { queue, watch, store } = await opened();
    const accepted = await acceptMany(queue);
    store.readFails = store.lettersFail = true;
    const wait = watch.delivered(accepted.at(-1)!);
    expect(await stateOf(wait)).toBe('waiting');
    store.readFails = store.lettersFail = false;
    takeAll(queue);
    expect(await stateOf(wait)).toBe('delivered');
  });

  it('learns of a delivery without reading the store', async () => {
    const { queue, watch, store } = await opened();
    const [accepted] = await queue.accept([draft('a'), draft('a')]);
    const wait = watch.delivered(accepted!);
    store.readFails = store.lettersFail = true;
    queue.remove([queue.take('normal', anyType)!]);
    expect(await stateOf(wait)).toBe('delivered');
    expect(queue.stats().available).toBe(true);
  });

  it('that began while the store could not be read ends when it can be read again', async () => {
    const { queue, watch, store, clock } = await opened();
    const [dead, accepted] = await queue.accept([draft('a'), draft('a')]);
    queue.setAside(queue.take('normal', anyType)!, REFUSED);
    takeAll(queue);
    await queue.settled();
    store.lettersFail = true;
    const waits = [watch.delivered(accepted!), watch.delivered(dead!)];
    expect(await Promise.all(waits.map(stateOf))).toEqual(['waiting', 'waiting']);
    store.lettersFail = false;
    clock.advance(5000);
    await turns();
    expect(await Promise.all(waits.map(stateOf))).toEqual(['delivered', expect.any(MessageDeadLetteredError)]);
  });

  it.each([0, MANY - 1])('is told of the stop when the queue is closed with message %i in it', async (index) => {
    const { queue, watch } = await opened();
    const accepted = await acceptMany(queue);
    watch.stop();
    await queue.close();
    expect(await stateOf(watch.delivered(accepted[index]!))).toBeInstanceOf(StoppingError);
  });

  it.each(['waiting', 'in flight', 'put back'])('is told that a message was left behind that was %s', async (how) => {
    const clock = new FakeClock();
    const { queue, watch } = watched(new MemoryQueue(LIMITS, clock, silentLogger), clock);
    await queue.open({ vesselId: 'v', isExplicit: true });
    const [accepted] = await queue.accept([draft('a')]);
    const before = watch.delivered(accepted!);
    const outcome = stateOf(before);
    const message = how === 'waiting' ? undefined : queue.take('normal', anyType)!;
    if (message && how === 'put back') queue.putBack([message]);
    await queue.close();
    expect(await outcome).toBeInstanceOf(MessageDroppedError);
    expect(await stateOf(watch.delivered(accepted!))).toBeInstanceOf(MessageDroppedError);
  });

  it('is told that the record of the message is damaged', async () => {
    const { queue, watch, store } = await opened();
    const accepted = await acceptMany(queue);
    const victim = accepted[8000]!;
    const outcome = stateOf(watch.delivered(victim));
    const read = store.read.bind(store);
    store.read = (...where) =>
      read(...where).map((record) =>
        record.key.position === victim.position
          ? { key: record.key, message: undefined, raw: Buffer.from('damaged') }
          : record,
      );
    takeAll(queue);
    expect(queue.fateOf(victim)).toBe('dead_lettered');
    expect(await outcome).toBeInstanceOf(MessageDeadLetteredError);
    await queue.settled();
    expect(queue.fateOf(victim)).toBe('dead_lettered');
  });

  it('is told that the store has lost the message', async () => {
    const { queue, watch, store } = await opened();
    const accepted = await acceptMany(queue);
    const outcome = stateOf(watch.delivered(accepted.at(-1)!));
    store.readIsEmpty = true;
    takeAll(queue);
    expect(await outcome).toBeInstanceOf(MessageDeadLetteredError);
  });
});

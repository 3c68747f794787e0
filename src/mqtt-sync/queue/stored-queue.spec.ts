import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { QueueUnavailableError } from '../errors.js';
import { draft, FailingStore, gate, TestQueue, turns } from '../../../test/contract/failing-store.js';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import type { QueuedMessage } from './message.js';
import type { DeadLetter, QueueObserver } from './sync-queue.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };
const anyType = () => true;

describe('StoredQueue on a store that fails', () => {
  let store: FailingStore;
  let clock: FakeClock;
  let queue: TestQueue;
  let observer: { [Name in keyof QueueObserver]: ReturnType<typeof vi.fn<QueueObserver[Name]>> };

  async function open(maxMessages = 100): Promise<void> {
    store = new FailingStore();
    clock = new FakeClock();
    const limits = { maxMessages, maxBytes: 1e9, overflowPolicy: 'drop-oldest' as const, maxDeadLetters: 10 };
    queue = new TestQueue(store, limits, clock, silentLogger);
    observer = {
      dropped: vi.fn<(message: QueuedMessage) => void>(),
      deadLettered: vi.fn<(letter: DeadLetter) => void>(),
      discarded: vi.fn<(letter: DeadLetter) => void>(),
      retried: vi.fn<(message: QueuedMessage) => void>(),
      missing: vi.fn<(entity: string, count: number) => void>(),
      availability: vi.fn<(available: boolean) => void>(),
      committed: vi.fn<(durationMs: number) => void>(),
      left: vi.fn<(position: number) => void>(),
    };
    queue.observe(observer);
    await queue.open({ vesselId: 'v', isExplicit: true });
  }

  const take = () => queue.take('normal', anyType)!;

  /** Lets the retry of the store come, and finish. */
  async function retry(): Promise<void> {
    clock.advance(5000);
    await new Promise((resolve) => setImmediate(resolve));
    await queue.settled();
    await new Promise((resolve) => setImmediate(resolve));
  }

  beforeEach(() => open());
  afterEach(() => queue.close());

  it('rejects every change of a failed commit with the cause, and leaves no hole in the sequence', async () => {
    await queue.accept([draft('a')]);
    store.commitFails = true;
    const calls = await Promise.allSettled([queue.accept([draft('a')]), queue.accept([draft('b')])]);
    for (const call of calls) {
      expect(call).toMatchObject({ status: 'rejected', reason: { cause: { message: 'no space left' } } });
    }
    expect(queue.stats()).toMatchObject({ messages: 1, available: false });
    store.commitFails = false;
    await retry();
    const [a, b] = await queue.accept([draft('a'), draft('b')]);
    expect([a!.sequence, a!.position, b!.sequence]).toEqual([2, 2, 1]);
  });

  it('purges nothing that it cannot store to be gone, and hands it out in order', async () => {
    await queue.accept([draft('a', 'm1'), draft('a', 'm2')]);
    store.commitFails = true;
    await expect(queue.purge()).rejects.toThrow(QueueUnavailableError);
    expect(queue.stats()).toMatchObject({ messages: 2, untoldGaps: 0 });
    expect(observer.dropped).not.toHaveBeenCalled();
    expect([take().messageId, take().messageId]).toEqual(['m1', 'm2']);
    store.commitFails = false;
    await retry();
    expect(await queue.purge()).toBe(0);
  });

  it('does not take messages that cannot be read for none', async () => {
    await open(10_000);
    // More than is kept in memory.
    await queue.accept(Array.from({ length: 6000 }, () => draft('a')));
    store.readFails = true;
    expect(() => [...queue.messages()]).toThrow(QueueUnavailableError);
    await retry();
    await expect(queue.purge()).rejects.toThrow(QueueUnavailableError);
    store.readFails = false;
    await retry();
    const left = queue.stats().messages;
    expect(left).toBe([...queue.messages()].length);
    expect([await queue.purge(), queue.stats().untoldGaps]).toEqual([left, 6000]);
  });

  it('tells that it cannot accept, and that it can again, once each', async () => {
    store.commitFails = true;
    await expect(queue.accept([draft('a')])).rejects.toThrow(QueueUnavailableError);
    await expect(queue.accept([draft('a')])).rejects.toThrow(QueueUnavailableError);
    await retry();
    await retry();
    expect(observer.availability.mock.calls.map(([available]) => available)).toEqual([false]);
    expect(queue.stats().unavailableReason).toContain('no space left');
    store.commitFails = false;
    await retry();
    expect(observer.availability.mock.calls.map(([available]) => available)).toEqual([false, true]);
    expect(queue.stats()).toMatchObject({ available: true, unavailableReason: undefined });
  });

  it('refuses the calls that wait behind a failing commit', async () => {
    let open = () => {};
    store.gate = new Promise((resolve) => (open = resolve));
    store.commitFails = true;
    const first = queue.accept([draft('a')]);
    await new Promise((resolve) => setImmediate(resolve));
    const second = queue.accept([draft('a')]);
    open();
    await expect(first).rejects.toThrow(QueueUnavailableError);
    await expect(second).rejects.toThrow(QueueUnavailableError);
  });

  it('puts the victims of a failed commit back where they were', async () => {
    await open(3);
    await queue.accept([draft('a', 'm1'), draft('b', 'm2'), draft('a', 'm3')]);
    store.commitFails = true;
    await expect(queue.accept([draft('a'), draft('a')])).rejects.toThrow(QueueUnavailableError);
    expect(observer.dropped).not.toHaveBeenCalled();
    expect(queue.gaps().size).toBe(0);
    expect(queue.stats().messages).toBe(3);
    expect([take(), take(), take()].map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
  });

  it('does not overtake a message while it is not clear whether it is dropped', async () => {
    await open(2);
    const [first] = await queue.accept([draft('a', 'm1'), draft('a', 'm2')]);
    let open_ = () => {};
    store.gate = new Promise((resolve) => (open_ = resolve));
    const accepting = queue.accept([draft('a', 'm3')]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(queue.take('normal', anyType)).toBeUndefined();
    expect(queue.fateOf(first!)).toBe('waiting');
    open_();
    await accepting;
    expect(take().messageId).toBe('m2');
    expect(queue.fateOf(first!)).toBe('dropped');
  });

  it('does not overtake one that was never sent and may be dropped with one that was sent', async () => {
    await open(2);
    await queue.accept([draft('a', 'm1'), draft('a', 'm2')]);
    const [unsent, sent] = [take(), take()];
    queue.putBack([sent]);
    queue.untake([unsent]);
    const held = gate();
    store.gate = held.closed;
    store.commitFails = true;
    const accepting = queue.accept([draft('a', 'm3')]);
    await turns();
    expect(queue.take('normal', anyType)).toBeUndefined();
    held.open();
    await expect(accepting).rejects.toThrow(QueueUnavailableError);
    expect([take(), take()].map(({ messageId }) => messageId)).toEqual(['m1', 'm2']);
  });

  it('keeps removals and dead letters of a failed commit, and stores them later', async () => {
    const accepted = await queue.accept([draft('a'), draft('a')]);
    const [delivered, dead] = [take(), take()];
    store.commitFails = true;
    queue.remove([delivered]);
    queue.setAside(dead, REFUSED);
    await queue.settled();
    expect(queue.stats()).toMatchObject({ messages: 0, deadLetters: 0 });
    expect(queue.fateOf(accepted[1]!)).toBe('dead_lettered');
    expect(observer.deadLettered).not.toHaveBeenCalled();
    store.commitFails = false;
    await retry();
    expect(observer.deadLettered).toHaveBeenCalledTimes(1);
    expect(observer.left.mock.calls).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(queue.stats().deadLetters).toBe(1);
    expect(store.has({ type: 0, position: 1, sequence: 1 })).toBe(false);
  });

  it('gives up the reserve for removals on a full disk, and accepts only when it is whole again', async () => {
    await queue.accept([draft('a')]);
    store.commitFails = true;
    store.reserveFails = true;
    queue.remove([take()]);
    await queue.settled();
    await retry();
    expect(store.reserveReleased).toBe(true);
    expect(observer.left).toHaveBeenCalledTimes(1);
    await expect(queue.accept([draft('a')])).rejects.toThrow(QueueUnavailableError);
    store.commitFails = false;
    store.reserveFails = false;
    await retry();
    await expect(queue.accept([draft('a')])).resolves.toHaveLength(1);
  });

  it('becomes unavailable when it cannot be read, instead of throwing', async () => {
    await open(10_000);
    await queue.accept(Array.from({ length: 6000 }, () => draft('a')));
    store.readFails = true;
    let taken = 0;
    while (queue.take('normal', anyType)) taken++;
    expect(taken).toBeLessThan(6000);
    expect(queue.stats().available).toBe(false);
    store.readFails = false;
    await retry();
    while (queue.take('normal', anyType)) taken++;
    expect(taken).toBe(6000);
    expect(queue.stats()).toMatchObject({ available: true, messages: 6000 });
  });

  it('says that a commit takes too long, and accepts again when it has ended', async () => {
    let open = () => {};
    store.gate = new Promise((resolve) => (open = resolve));
    const accepting = queue.accept([draft('a')]);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(30_000);
    expect(queue.stats().available).toBe(false);
    open();
    await expect(accepting).resolves.toHaveLength(1);
    await retry();
    expect(queue.stats().available).toBe(true);
  });

  it('answers who asks for a dead letter that cannot be read', async () => {
    await queue.accept([draft('a'), draft('a')]);
    for (const message of [take(), take()]) queue.setAside(message, REFUSED);
    await queue.settled();
    store.lettersFail = true;
    const calls = await Promise.allSettled([queue.retryDeadLetter(1), queue.discardDeadLetter(2)]);
    for (const call of calls) expect(call).toMatchObject({ reason: expect.any(QueueUnavailableError) as unknown });
    store.lettersFail = false;
    await retry();
    await expect(queue.retryDeadLetter(1)).resolves.toBe(true);
  });

  it('tells of messages that the store has lost that they left the count', async () => {
    await open(10_000);
    await queue.accept(Array.from({ length: 6000 }, () => draft('a')));
    store.readIsEmpty = true;
    while (queue.take('normal', anyType));
    const inFlight = queue.stats().messages;
    expect(inFlight).toBeLessThan(6000);
    expect(observer.left).toHaveBeenCalledTimes(6000 - inFlight);
    expect(new Set(observer.left.mock.calls.flat())).toEqual(new Set([0]));
  });

  it('refuses one call that cannot be planned, and not the store', async () => {
    const wrong = draft('a');
    wrong.envelope.seal = () => {
      throw new RangeError('too much');
    };
    const calls = await Promise.allSettled([queue.accept([wrong]), queue.accept([draft('a')])]);
    expect(calls).toMatchObject([{ reason: { message: 'too much' } }, { value: [{ sequence: 1 }] }]);
    expect(queue.stats()).toMatchObject({ available: true, messages: 1 });
  });

  it('makes room for a batch of any size', async () => {
    await open(200_000);
    await queue.accept(Array.from({ length: 200_000 }, () => draft('a')));
    await expect(queue.accept(Array.from({ length: 150_000 }, () => draft('a')))).resolves.toHaveLength(150_000);
    expect(queue.stats()).toMatchObject({ available: true, messages: 200_000 });
  }, 120_000);

  it('refuses callers when more waits for a slow disk than is good, and accepts again when it is written', async () => {
    await open(100_000);
    const held = gate();
    store.gate = held.closed;
    const calls = Array.from({ length: 16 }, () => queue.accept(Array.from({ length: 4096 }, () => draft('a'))));
    await turns();
    await expect(queue.accept([draft('a')])).rejects.toThrow(/does not keep up/);
    expect(queue.stats().available).toBe(true);
    held.open();
    await Promise.all(calls);
    await expect(queue.accept([draft('a')])).resolves.toMatchObject([{ sequence: 65_537 }]);
    const batch = queue.accept(Array.from({ length: 70_000 }, () => draft('a')));
    await expect(queue.accept([draft('a')])).rejects.toThrow(QueueUnavailableError);
    await expect(batch).resolves.toHaveLength(70_000);
  }, 120_000);

  it('commits what many callers ask for in one turn together', async () => {
    await Promise.all(Array.from({ length: 50 }, () => queue.accept([draft('a')])));
    expect(store.commits).toHaveLength(1);
  });

  it('bounds a commit', async () => {
    await open(10_000);
    await Promise.all(Array.from({ length: 50 }, () => queue.accept(Array.from({ length: 100 }, () => draft('a')))));
    expect(store.commits.map(({ messages }) => messages.length)).toEqual([4000, 1000]);
  });
});

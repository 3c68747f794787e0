import { describe, expect, it } from 'vitest';
import { QueueFullError } from '../../src/mqtt-sync/errors.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { openFailing } from './failing-store.js';
import { draft, idsOf, inMemory, onDisk, takeAll, temporaryFolder, VESSEL, watch } from './queue-harness.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

/** Has so many dead letters set aside, named `bad0` and so on; answers their positions. */
async function haveDeadLetters(queue: SyncQueue, count: number): Promise<number[]> {
  const positions: number[] = [];
  while (positions.length < count) {
    const some = Math.min(100, count - positions.length, queue.stats().maxMessages);
    await queue.accept(
      Array.from({ length: some }, (_, index) => draft('a', { messageId: `bad${positions.length + index}` })),
    );
    for (const message of takeAll(queue)) {
      queue.setAside(message, REFUSED);
      positions.push(message.position);
    }
    await queue.settled();
  }
  return positions;
}

const good = (index: number) => draft('a', { messageId: `good${index}` });
const retryAll = (queue: SyncQueue, positions: readonly number[]) =>
  Promise.allSettled(positions.map((position) => queue.retryDeadLetter(position)));

describe.each([
  { name: 'DiskQueue', make: () => onDisk(temporaryFolder()) },
  { name: 'MemoryQueue', make: () => inMemory },
])('Retrying dead letters of a $name', ({ make }) => {
  async function opened(limits: Partial<QueueLimits>) {
    const test = watch(make(), limits);
    await test.queue.open(VESSEL);
    return test;
  }

  it('makes room as a change does, by dropping the oldest that wait', async () => {
    const { queue, observer } = await opened({ maxMessages: 10 });
    const positions = await haveDeadLetters(queue, 8);
    for (let index = 0; index < 10; index++) await queue.accept([good(index)]);
    await retryAll(queue, positions);
    expect(queue.stats()).toMatchObject({ messages: 10, deadLetters: 0 });
    expect(observer.droppedIds).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((index) => `good${index}`));
    await queue.accept([good(10)]);
    expect(observer.droppedIds).toHaveLength(9);
    expect(idsOf(takeAll(queue))).toEqual(['good9', ...positions.map((_, index) => `bad${index}`), 'good10']);
  });

  it('waits for room that only the commit under way can give', async () => {
    const { queue, observer } = await opened({ maxMessages: 2 });
    const positions = await haveDeadLetters(queue, 5);
    const answers = await retryAll(queue, positions);
    expect(answers.map(({ status }) => status)).toEqual(positions.map(() => 'fulfilled'));
    expect(queue.stats()).toMatchObject({ messages: 2, deadLetters: 0 });
    expect(observer.droppedIds).toEqual(['bad0', 'bad1', 'bad2']);
  });

  it('is refused by a full queue that rejects, and possible when there is room', async () => {
    const { queue, observer } = await opened({ maxMessages: 3, overflowPolicy: 'reject' });
    const positions = await haveDeadLetters(queue, 2);
    await queue.accept([good(0), good(1)]);
    const [first, second] = await retryAll(queue, positions);
    expect(first).toMatchObject({ value: true });
    expect(second).toMatchObject({ reason: expect.any(QueueFullError) as unknown });
    expect(queue.stats()).toMatchObject({ messages: 3, deadLetters: 1, available: true });
    expect(observer.droppedIds).toEqual([]);
    queue.remove(takeAll(queue));
    await expect(queue.retryDeadLetter(positions[1]!)).resolves.toBe(true);
  });

  it('is refused when nothing that waits may be dropped for it', async () => {
    const { queue } = await opened({ maxMessages: 2 });
    const [position] = await haveDeadLetters(queue, 1);
    await queue.accept([good(0), good(1)]);
    queue.putBack(takeAll(queue));
    await expect(queue.retryDeadLetter(position!)).rejects.toThrow(QueueFullError);
    expect(queue.stats()).toMatchObject({ messages: 2, deadLetters: 1 });
  });
});

describe('A commit that retries or discards dead letters', () => {
  const MANY = 5000;
  const LIMITS = { maxMessages: 2 * MANY, maxDeadLetters: 2 * MANY };

  it.each(['retryDeadLetter', 'discardDeadLetter'] as const)('is bounded in messages (%s)', async (action) => {
    const { queue, store } = await openFailing(LIMITS);
    const positions = await haveDeadLetters(queue, MANY);
    store.commits.length = 0;
    const answers = await Promise.all(positions.map((position) => queue[action](position)));
    expect(new Set(answers)).toEqual(new Set([true]));
    expect(store.commits.map(({ removedDeadLetters }) => removedDeadLetters.length)).toEqual([4096, MANY - 4096]);
    await queue.close();
  });

  it('is bounded in bytes', async () => {
    const { queue, store } = await openFailing(LIMITS);
    const dataJson = JSON.stringify('x'.repeat(3 * 1024 * 1024));
    await queue.accept([1, 2, 3].map(() => draft('a', { dataJson })));
    const dead = takeAll(queue);
    for (const message of dead) queue.setAside(message, REFUSED);
    await queue.settled();
    store.commits.length = 0;
    await Promise.all(dead.map(({ position }) => queue.retryDeadLetter(position)));
    expect(store.commits.map(({ messages }) => messages.length)).toEqual([2, 1]);
    await queue.close();
  });
});

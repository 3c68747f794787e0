import { beforeEach, describe, expect, it } from 'vitest';
import { StoppingError } from '../../src/mqtt-sync/errors.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { turns } from './failing-store.js';
import { draft, inMemory, onDisk, take, temporaryFolder, VESSEL, watch } from './queue-harness.js';

/** More than is looked at in one turn of the event loop. */
const MANY = 5000;
const EVERYTHING = { from: 1, to: 2 * MANY };
const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

describe.each([
  { name: 'DiskQueue', make: () => onDisk(temporaryFolder()) },
  { name: 'MemoryQueue', make: () => inMemory },
])('What a $name knows to be undelivered', ({ make }) => {
  let queue: SyncQueue;

  beforeEach(async () => {
    ({ queue } = watch(make(), { maxMessages: 4 * MANY, maxBytes: 1e9 }));
    await queue.open(VESSEL);
    await queue.accept(Array.from({ length: MANY }, () => draft('a')));
  });

  it('is all that waits or was set aside of the entity type, within what was asked for', async () => {
    await queue.accept([draft('b'), draft('b')]);
    queue.setAside(take(queue), REFUSED);
    queue.remove([take(queue)]);
    await queue.settled();
    const found = await queue.history.undelivered('a', EVERYTHING);
    expect([found.size, found.has(1), found.has(2), found.has(MANY)]).toEqual([MANY - 1, true, false, true]);
    expect([...(await queue.history.undelivered('a', { from: 2, to: 4 }))].sort()).toEqual([3, 4]);
    expect(await queue.history.undelivered('b', EVERYTHING)).toEqual(new Set([1, 2]));
    expect(await queue.history.undelivered('c', EVERYTHING)).toEqual(new Set());
  });

  it('has a dead letter in it that comes back while it is looked up', async () => {
    const dead = take(queue);
    queue.setAside(dead, REFUSED);
    await queue.settled();
    const looking = queue.history.undelivered('a', EVERYTHING);
    await queue.retryDeadLetter(dead.position);
    expect((await looking).size).toBe(MANY);
  });

  it('cannot be told when the queue is closed meanwhile, and afterwards', async () => {
    const looking = queue.history.undelivered('a', EVERYTHING);
    const refused = expect(looking).rejects.toThrow(StoppingError);
    await turns(1);
    await queue.close();
    await refused;
    await expect(queue.history.undelivered('a', EVERYTHING)).rejects.toThrow(StoppingError);
    expect(queue.history.stats()).toEqual({ bytes: 0, oldestAtMs: undefined });
    expect(queue.history.delivered('a', EVERYTHING, { records: 1, bytes: 1 })).toEqual([]);
  });
});

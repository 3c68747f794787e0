import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import { nextEpoch, noQueueError } from './identify.js';
import { LmdbMessageStore } from './lmdb/lmdb-message-store.js';
import type { QueueIdentity } from './sync-queue.js';

/** What became of a queue that was given a new epoch. */
export interface NewEpoch {
  readonly before: QueueIdentity;
  readonly after: QueueIdentity;
  readonly messages: number;
  readonly deadLetters: number;
}

/** Nothing is stored through it, so nothing is kept or forgotten by these. */
const NO_LIMITS = { maxAgeS: Infinity, maxBytes: Number.MAX_SAFE_INTEGER };

/**
 * Gives the queue in a folder a new epoch, for a folder that went back in time: a restored backup would number new changes
 * like others that receivers have already. What waits keeps its message ids, so that receivers know what they had.
 * @throws {QueueLockedError} a process has the folder open.
 * @throws {StoreFormatError} the store was written by a newer version.
 * @throws {QueueUnavailableError} the folder cannot be used, or holds no queue.
 */
export async function beginNewEpoch(dir: string, clock: Clock, logger: SyncLogger): Promise<NewEpoch> {
  const store = new LmdbMessageStore(dir, NO_LIMITS, clock, logger);
  const contents = await store.open();
  try {
    const { identity: before, types, deadLetters } = contents;
    if (!before) throw noQueueError();
    const after = { ...before, epoch: nextEpoch(contents, clock) };
    await store.renewEpoch(contents, after);
    return { before, after, messages: types.reduce((sum, type) => sum + type.messages, 0), deadLetters };
  } finally {
    await store.close();
  }
}

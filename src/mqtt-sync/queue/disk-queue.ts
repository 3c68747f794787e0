import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import type { JournalLimits } from './lmdb/journal.js';
import { LmdbMessageStore } from './lmdb/lmdb-message-store.js';
import type { QueueLimits } from './room-maker.js';
import { StoredQueue } from './stored-queue.js';

/** Where a disk queue is, and its limits. */
export interface DiskQueueOptions extends QueueLimits {
  /** Folder of the store, created when it is not there; one process per folder. */
  readonly dir: string;
  /** How much of what was delivered is kept for whoever missed it. @default nothing */
  readonly journal?: JournalLimits;
}

const NO_JOURNAL: JournalLimits = { maxAgeS: 0, maxBytes: 0 };

/**
 * A queue on disk: what was accepted survives the process, kill -9 and a power cut. `lmdb/lmdb-message-store.ts` begins
 * with what is stored where.
 */
export class DiskQueue extends StoredQueue {
  constructor(options: DiskQueueOptions, clock: Clock, logger: SyncLogger) {
    super(new LmdbMessageStore(options.dir, options.journal ?? NO_JOURNAL, clock, logger), options, clock, logger);
  }
}

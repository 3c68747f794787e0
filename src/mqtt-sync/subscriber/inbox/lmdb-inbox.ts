import type { SyncLogger } from '../../logger.js';
import type { Clock } from '../../time/clock.js';
import type { InboxLimits } from './inbox-limits.js';
import { LmdbInboxStore } from './lmdb/lmdb-inbox-store.js';
import { StoredInbox } from './stored-inbox.js';

/** Where an inbox on disk is, and its limits. */
export interface LmdbInboxOptions extends InboxLimits {
  /** Folder of the store, created when it is not there; one process per folder. */
  readonly dir: string;
}

/** An inbox on disk: what it has recorded survives the process, kill -9 and a power cut. */
export class LmdbInbox extends StoredInbox {
  constructor(options: LmdbInboxOptions, clock: Clock, logger: SyncLogger) {
    super(new LmdbInboxStore(options.dir, clock, logger), options, clock, logger);
  }
}

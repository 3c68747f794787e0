import type { SyncLogger } from '../../logger.js';
import type { Clock } from '../../time/clock.js';
import { InMemoryInboxStore } from './in-memory-inbox-store.js';
import type { InboxLimits } from './inbox-limits.js';
import { StoredInbox } from './stored-inbox.js';

/** An inbox in memory: the same rules as on disk, but a repeat after a restart is handled again. */
export class MemoryInbox extends StoredInbox {
  constructor(limits: InboxLimits, clock: Clock, logger: SyncLogger) {
    super(new InMemoryInboxStore(), limits, clock, logger);
  }
}

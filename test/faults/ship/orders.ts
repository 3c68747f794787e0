import type { MqttSyncOptions } from '../../../src/mqtt-sync/mqtt-sync.options.js';

/** What a ship in a process of its own is told to do, as JSON in its only argument. */
export interface Orders {
  readonly options: MqttSyncOptions;
  /** Who it is, in the data of its changes. */
  readonly ship: string;
  /** Number of its first call; a later life of the same ship goes on above that of the life before. */
  readonly firstCall: number;
  /** Changes to publish; 0 only sends what the queue holds. */
  readonly messages: number;
  /** Callers at the same time; each has keys of its own. */
  readonly callers: number;
  /** Keys over all entity types. */
  readonly keys: number;
  /** Calls that a caller makes before it awaits the first of them. */
  readonly burst: number;
  /** Changes per `publishMany()`; 1 uses `publish()`. */
  readonly group: number;
  /** Characters of padding. */
  readonly size: number;
  /**
   * Stands still for good, all of it, at the so-manieth: `accepted`, right after `publish()` resolved and before anything
   * else happens; `published`, when the acknowledgement has come and the removal is not yet committed.
   */
  readonly halt?: { readonly at: 'accepted' | 'published'; readonly after: number };
  /** Says when each commit of the store begins and ends. */
  readonly announceCommits?: boolean;
}

/**
 * What it says, a line each, on file descriptor 3, written at once so that no kill can lose a line once it was written:
 * `open`, `accepted <id> <sequence> <entity> <fingerprint>`, `done` (all published), `drained` (and all delivered),
 * `halt <id>`, `commit` and `committed`, `error <text>`.
 */
export const REPORT_FD = 3;

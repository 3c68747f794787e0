import type { CommitPlan } from './commit-plan.js';
import type { Volume } from './entity-stream.js';

/**
 * Bounds of one commit, so that the first caller of a crowd does not wait for the last. A commit of this size takes
 * about as long to write as several fdatasyncs, so a larger one would gain little.
 */
export const MAX_COMMIT_MESSAGES = 4096;
export const MAX_COMMIT_BYTES = 8 * 1024 * 1024;
/** Departures are small; after a long failure of the disk there may be as many as the queue held. */
export const MAX_COMMIT_DEPARTURES = 65_536;
/** Dead letters discarded by one commit for want of room; each is read first. */
export const MAX_COMMIT_DISCARDS = 256;

/** Whether a commit would be too large with so much more in it. */
export function exceedsBounds({ coming }: CommitPlan, asked: Readonly<Volume>): boolean {
  return coming.messages + asked.messages > MAX_COMMIT_MESSAGES || coming.bytes + asked.bytes > MAX_COMMIT_BYTES;
}

import type { Volume } from './entity-stream.js';

/**
 * Bounds of one commit, so that the first caller of a crowd does not wait for the last. A commit of this size takes
 * about as long to write as several fdatasyncs, so a larger one would gain little.
 */
const MAX_COMMIT_MESSAGES = 4096;
const MAX_COMMIT_BYTES = 8 * 1024 * 1024;
/** Departures are small; after a long failure of the disk there may be as many as the queue held. */
export const MAX_COMMIT_DEPARTURES = 65_536;
/** Dead letters discarded by one commit for want of room; each is read first. */
export const MAX_COMMIT_DISCARDS = 256;

/** Whether so much more is too much for a commit with so much in it; a single call of any size never is. */
export function exceedsBounds(present: Readonly<Volume>, asked: Readonly<Volume>): boolean {
  if (present.messages === 0) return false;
  return present.messages + asked.messages > MAX_COMMIT_MESSAGES || present.bytes + asked.bytes > MAX_COMMIT_BYTES;
}

/** Whether a commit with so much in it takes no more, however little that is. */
export function isUsedUp({ messages, bytes }: Readonly<Volume>): boolean {
  return messages >= MAX_COMMIT_MESSAGES || bytes >= MAX_COMMIT_BYTES;
}

import { QueueUnavailableError } from '../../mqtt-sync/errors.js';
import type { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';

/**
 * A queue that is not open has nothing to show, which is not to say that there is nothing.
 * @throws {QueueUnavailableError} it is not open.
 */
export function assertOpen(queue: Pick<SyncQueue, 'identity'>): void {
  if (!queue.identity) throw new QueueUnavailableError('The queue is not open: see the log for the reason.');
}

/** The message, or the dead letter, at a position; undefined when it is not there. */
export function itemAt<Item extends { readonly position: number }>(
  itemsAfter: (position: number) => Iterable<Item>,
  position: number,
): Item | undefined {
  for (const item of itemsAfter(position - 1)) return item.position === position ? item : undefined;
  return undefined;
}

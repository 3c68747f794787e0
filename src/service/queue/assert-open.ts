import { QueueUnavailableError } from '../../mqtt-sync/errors.js';
import type { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import type { SyncStatus } from '../../mqtt-sync/sync-status.js';
import { ProblemException } from '../http/problem.js';

/**
 * A queue that is not open has nothing to show, which is not to say that there is nothing.
 * @throws {QueueUnavailableError} it is not open.
 * @throws {ProblemException} it never will be: sync is off.
 */
export function assertOpen(queue: Pick<SyncQueue, 'identity'>, { localMode }: Pick<SyncStatus, 'localMode'>): void {
  if (queue.identity) return;
  // Not 503, which asks to come again.
  if (!localMode) {
    throw new ProblemException(409, {
      code: 'SYNC_OFF',
      detail: 'Sync is off (LOCAL_MODE is false): the queue is not in use.',
    });
  }
  throw new QueueUnavailableError('The queue is not open: see the log for the reason.');
}

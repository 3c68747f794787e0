import type { MqttSyncError } from '../errors.js';
import { type PublisherOptions, type PublisherParts, SyncPublisher } from '../publisher/sync-publisher.service.js';
import type { RecordedChange, RecordingQueue } from './recording-queue.js';

/** The real `SyncPublisher` on a queue in memory: a test sees what was published, and makes it fail. */
export class RecordingPublisher extends SyncPublisher {
  constructor(
    options: PublisherOptions,
    parts: PublisherParts,
    private readonly recorder: RecordingQueue,
  ) {
    super(options, parts);
  }

  /** What was accepted so far, in order. A repeat of a given message id is one change, and nothing is while sync is off. */
  get published(): readonly RecordedChange[] {
    return this.recorder.recorded;
  }

  /** Forgets what was published so far; sequences go on, and message ids that were given stay known. */
  clear(): void {
    this.recorder.recorded.length = 0;
  }

  /** Makes the next `publish()` or `publishMany()` that nothing is wrong with reject, as the queue would. */
  failNext(error: MqttSyncError): void {
    this.recorder.nextFailure = error;
  }
}

import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import type { EntityStream } from './entity-stream.js';
import { InMemoryMessageStore } from './in-memory-message-store.js';
import type { QueueLimits } from './room-maker.js';
import { StoredQueue } from './stored-queue.js';
import type { QueueIdentity, QueueObserver, VesselClaim } from './sync-queue.js';

/** A queue in memory: the same rules as on disk, but nothing survives the process. */
export class MemoryQueue extends StoredQueue {
  constructor(limits: QueueLimits, clock: Clock, logger: SyncLogger) {
    super(new InMemoryMessageStore(), limits, clock, logger);
  }

  override open(claim: VesselClaim): Promise<QueueIdentity> {
    if (!this.identity) {
      this.logger.warn(
        'The queue is in memory: changes that wait are lost when the process stops. Use the disk store to keep them.',
      );
    }
    return super.open(claim);
  }

  protected override leaveBehind(streams: Iterable<EntityStream>, observer: QueueObserver | undefined): void {
    for (const stream of streams) {
      for (const message of stream.drain()) {
        stream.discount(message.payload.length);
        stream.lost.add(message.sequence, 'dropped');
        observer?.dropped(message, 'memory_store_stopped');
        observer?.left(message.position, stream.retried.firstPosition(message.sequence, message.position));
      }
    }
  }
}

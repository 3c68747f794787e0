import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { DeliveryWatch } from '../publisher/delivery-watch.js';
import type { SyncPublisher } from '../publisher/sync-publisher.service.js';
import type { Receiver } from '../subscriber/receiver.js';

/** Stops as the real one does, as far as a test can see it: changes are refused, and nobody waits any more. */
export class TestingLifecycle implements BeforeApplicationShutdown {
  constructor(
    private readonly publisher: SyncPublisher,
    private readonly watch: DeliveryWatch,
    private readonly receiver: Receiver,
    private readonly deadlineMs: number,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.publisher.stop();
    await this.receiver.stop(this.deadlineMs);
    this.watch.stop();
  }
}

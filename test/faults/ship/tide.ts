import { setTimeout as sleep } from 'node:timers/promises';
import type { Crew } from './crew.js';

/** Between two batches: the load stays below what a small machine can carry, so that the faults decide what happens. */
const PAUSE_MS = 10;

/** A crew that goes on publishing, batch after batch, until it is told to stop. */
export class Tide {
  private isOpen = true;
  private readonly flowing: Promise<void>;

  constructor(
    private readonly crew: Crew,
    private readonly batch = 40,
  ) {
    this.flowing = this.flow();
    // Whoever stops it hears of the error.
    this.flowing.catch(() => {});
  }

  /** No more batches; resolves when the last one is accepted. */
  async stop(): Promise<void> {
    this.isOpen = false;
    await this.flowing;
  }

  private async flow(): Promise<void> {
    while (this.isOpen) {
      await this.crew.publish(this.batch);
      await sleep(PAUSE_MS);
    }
  }
}

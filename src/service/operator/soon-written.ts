import type { CancelTimer, Clock } from '../../mqtt-sync/time/clock.js';

/** Changes that come together are written together. */
const WRITE_DELAY_MS = 1000;

/** Writes what changes, a moment later or at once, one after the other, each with what is known when its turn comes. */
export class SoonWritten {
  private cancel: CancelTimer | undefined;
  private writing = Promise.resolve();

  constructor(
    private readonly clock: Clock,
    private readonly write: () => Promise<void> | undefined,
  ) {}

  /** Something has changed. */
  soon(): void {
    this.cancel ??= this.clock.after(WRITE_DELAY_MS, () => void this.now());
  }

  /** Resolves when what is known by now is written. */
  now(): Promise<void> {
    this.cancel?.();
    this.cancel = undefined;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }
}

import { fullJitterDelay } from '../time/backoff.js';
import type { CancelTimer, Clock } from '../time/clock.js';

/** Soon enough that a short hiccup costs little, seldom enough that a database that is down is left in peace. */
const BACKOFF = { baseMs: 250, capMs: 5000 };

/** The waits between tries, which a stop ends all at once. */
export class Pauses {
  private readonly ends = new Set<() => void>();
  private isOver = false;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /** Whether there will be no more waits, and no more tries. */
  get stopped(): boolean {
    return this.isOver;
  }

  /** Waits after the given number of failed tries, but not longer than `mostMs`; not at all after `stop()`. */
  async after(tries: number, mostMs = Infinity): Promise<void> {
    if (this.isOver) return;
    const delayMs = Math.min(mostMs, fullJitterDelay(tries - 1, BACKOFF, this.random));
    let cancel: CancelTimer | undefined;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        this.ends.delete(end);
        resolve();
      };
      this.ends.add(end);
      cancel = this.clock.after(delayMs, end);
    });
    cancel?.();
  }

  stop(): void {
    this.isOver = true;
    for (const end of [...this.ends]) end();
  }
}

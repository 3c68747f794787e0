import type { CancelTimer, Clock } from '../../time/clock.js';

/** Lets so many pass a second, evenly; who comes first goes first. */
export class Pace {
  private readonly intervalMs: number;
  private nextAtMs = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    maxPerSecond: number,
  ) {
    this.intervalMs = 1000 / maxPerSecond;
  }

  /** Resolves when it is the caller's turn, or everything is over. */
  async next(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    const atMs = Math.max(nowMs, this.nextAtMs);
    this.nextAtMs = atMs + this.intervalMs;
    if (atMs <= nowMs) return;
    await new Promise<void>((resolve) => {
      let cancel: CancelTimer = () => {};
      const pass = (): void => {
        cancel();
        this.waiting.delete(pass);
        resolve();
      };
      cancel = this.clock.after(atMs - nowMs, pass);
      this.waiting.add(pass);
    });
  }

  stop(): void {
    for (const pass of [...this.waiting]) pass();
  }
}

import type { CancelTimer, Clock } from '../time/clock.js';
import type { Circumstances } from './circumstances.js';

/**
 * The tries that are running. Each has the same time, so that the oldest is always the next to expire, and one timer does for
 * all of them.
 */
export class RunningTries {
  /** When each expires, by the monotonic clock; the oldest first. */
  private readonly tries = new Map<Circumstances, number>();
  private cancelTimer: CancelTimer | undefined;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.tries.size;
  }

  add(circumstances: Circumstances): void {
    this.tries.set(circumstances, this.clock.monotonicMs() + this.timeoutMs);
    if (!this.cancelTimer) this.wait(this.timeoutMs);
  }

  delete(circumstances: Circumstances): void {
    this.tries.delete(circumstances);
    if (this.tries.size === 0) for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  /** Tells the handlers that nobody waits for them any more; nothing expires from now on. */
  abort(reason: Error): void {
    this.cancelTimer?.();
    for (const circumstances of this.tries.keys()) circumstances.abort(reason);
  }

  /** Resolves when none is running. */
  idle(): Promise<void> {
    return this.tries.size === 0 ? Promise.resolve() : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  private wait(delayMs: number): void {
    this.cancelTimer = this.clock.after(delayMs, () => this.expire());
  }

  private expire(): void {
    this.cancelTimer = undefined;
    const nowMs = this.clock.monotonicMs();
    for (const [circumstances, dueMs] of this.tries) {
      if (dueMs > nowMs) return this.wait(dueMs - nowMs);
      circumstances.expire(new Error(`The handler did not finish within ${this.timeoutMs} ms.`));
    }
  }
}

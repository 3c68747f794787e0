import type { CancelTimer, Clock } from './clock.js';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock for tests: time passes only in `advance()`. */
export class FakeClock implements Clock {
  private elapsedMs = 0;
  private readonly timers = new Set<Timer>();

  constructor(private startWallMs = Date.UTC(2026, 0, 1)) {}

  monotonicMs(): number {
    return this.elapsedMs;
  }

  wallMs(): number {
    return this.startWallMs + this.elapsedMs;
  }

  /** Sets the wall clock as an operator or NTP would; durations do not notice. */
  jumpWall(byMs: number): void {
    this.startWallMs += byMs;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const timer: Timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** How many timers are waiting. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /** Lets time pass and runs what falls due, in order. */
  advance(byMs: number): void {
    const untilMs = this.elapsedMs + byMs;
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next || next.dueMs > untilMs) break;
      this.timers.delete(next);
      this.elapsedMs = next.dueMs;
      next.callback();
    }
    this.elapsedMs = untilMs;
  }
}

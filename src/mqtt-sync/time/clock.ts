/** Stops a timer; calling it again does nothing. */
export type CancelTimer = () => void;

/** Time as the library sees it, injected so that tests need no real time. */
export interface Clock {
  /** Milliseconds that never jump; for durations and timeouts. */
  monotonicMs(): number;
  /** Milliseconds since 1970 as the wall clock has them; for timestamps only, because they may jump. */
  wallMs(): number;
  /**
   * Calls back once after `delayMs`.
   * @param keepsAlive whether the process waits for it, where nothing else is left to do. @default false
   */
  after(delayMs: number, callback: () => void, keepsAlive?: boolean): CancelTimer;
}

/** A longer timer would fire at once: Node keeps delays in 32 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback, keepsAlive = false) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, LONGEST_TIMER_MS);
      timer = setTimeout(() => (leftMs > stepMs ? wait(leftMs - stepMs) : callback()), stepMs);
      if (!keepsAlive) timer.unref();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};

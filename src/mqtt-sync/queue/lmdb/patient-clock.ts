import type { Clock } from '../../time/clock.js';

/** A wall clock that goes ahead by less is taken at its word: it drifts, or is set right. */
const BELIEVED_STEP_MS = 60_000;
/** So long it has to stay where it jumped before it is believed. */
const DOUBTED_FOR_MS = 3_600_000;

/**
 * The wall clock for whoever forgets what is old. One that jumps ahead, where the monotonic clock does not, would make
 * everything old at once: it is believed when it has stayed there for an hour. One that goes back is believed at once.
 */
export class PatientClock {
  /** Of the wall clock from the monotonic one, as far as it is believed. */
  private distanceMs: number;
  private doubtedSinceMs: number | undefined;

  constructor(private readonly clock: Clock) {
    this.distanceMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Milliseconds since 1970. */
  wallMs(): number {
    const nowMs = this.clock.monotonicMs();
    const distanceMs = this.clock.wallMs() - nowMs;
    const isBelieved = distanceMs <= this.distanceMs + BELIEVED_STEP_MS;
    if (isBelieved || nowMs - (this.doubtedSinceMs ??= nowMs) >= DOUBTED_FOR_MS) {
      this.distanceMs = distanceMs;
      this.doubtedSinceMs = undefined;
    }
    return nowMs + this.distanceMs;
  }
}

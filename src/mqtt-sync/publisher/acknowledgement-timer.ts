import { type CancelTimer, type Clock } from '../time/clock.js';

/** How long the broker may take to answer, beside the time that the bytes need. */
const ANSWER_MS = 15_000;
/** Margin over the measured rate: links get slower without notice. */
const TRANSFER_FACTOR = 3;
/** Assumed before anything was measured: the slowest link that is still of use, 25 kbit/s. */
const ASSUMED_BYTES_PER_SECOND = 3_000;

/** What is on the way. */
export interface Unacknowledged {
  readonly bytes: number;
  readonly bytesPerSecond: number | undefined;
}

/**
 * Finds a link that is dead although nobody closed it: while something is in flight, an acknowledgement must come within
 * 15 s plus three times what the bytes in flight need at the measured rate. Pings do not help there: a broker may answer
 * them and still acknowledge nothing.
 */
export class AcknowledgementTimer {
  private cancel: CancelTimer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly expired: (waitedMs: number) => void,
  ) {}

  /** Starts over: something was acknowledged. */
  restart(unacknowledged: Unacknowledged): void {
    this.stop();
    const { bytes, bytesPerSecond = ASSUMED_BYTES_PER_SECOND } = unacknowledged;
    const patienceMs = ANSWER_MS + (TRANSFER_FACTOR * bytes * 1000) / bytesPerSecond;
    this.cancel = this.clock.after(patienceMs, () => {
      this.cancel = undefined;
      this.expired(patienceMs);
    });
  }

  /** Starts unless it is running. */
  ensure(unacknowledged: Unacknowledged): void {
    if (!this.cancel) this.restart(unacknowledged);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}

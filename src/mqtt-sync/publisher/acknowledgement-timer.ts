import type { CancelTimer, Clock } from '../time/clock.js';

/** How long the broker may take to answer, beside the time that the bytes need. */
const ANSWER_MS = 15_000;
/** Margin over the measured rate: links get slower without notice. */
const TRANSFER_FACTOR = 3;
/** Assumed before anything was measured: the slowest link that is still of use, 25 kbit/s. */
const ASSUMED_BYTES_PER_SECOND = 3_000;

/** What is on the way, and how fast the link has been lately. */
export interface Unacknowledged {
  readonly unackedBytes: number;
  /** Undefined before the first acknowledgement. */
  readonly bytesPerSecond: number | undefined;
}

/**
 * Finds a link that is dead although nobody closed it: while something is in flight, an acknowledgement must come within
 * 15 s plus three times what the bytes in flight need at the measured rate. Pings do not help there: a broker may answer
 * them and still acknowledge nothing. One packet that gets none while later ones get theirs counts too: on a new connection
 * it is sent again.
 *
 * An acknowledgement only notes the time: there may be thousands a second, and a timer started anew for each costs more
 * than sending the message. When the timer fires it sees whether it was early.
 */
export class AcknowledgementTimer {
  private cancel: CancelTimer | undefined;
  private beganMs = 0;
  private bytes = 0;
  private bytesPerSecond: number | undefined;

  constructor(
    private readonly clock: Clock,
    /** When the oldest packet was sent that others have overtaken, undefined when there is none. */
    private readonly overtakenSinceMs: () => number | undefined,
    private readonly expired: (waitedMs: number, isOvertaken: boolean) => void,
  ) {}

  /** Starts over: something was acknowledged. */
  restart({ unackedBytes, bytesPerSecond }: Unacknowledged): void {
    this.beganMs = this.clock.monotonicMs();
    this.bytes = unackedBytes;
    this.bytesPerSecond = bytesPerSecond;
    if (!this.cancel) this.wait(ANSWER_MS);
  }

  /** Starts unless it is running. */
  ensure(unacknowledged: Unacknowledged): void {
    if (!this.cancel) this.restart(unacknowledged);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private wait(delayMs: number): void {
    this.cancel = this.clock.after(delayMs, () => this.look());
  }

  private look(): void {
    this.cancel = undefined;
    const { bytes, bytesPerSecond = ASSUMED_BYTES_PER_SECOND } = this;
    const patienceMs = ANSWER_MS + (TRANSFER_FACTOR * bytes * 1000) / bytesPerSecond;
    const nowMs = this.clock.monotonicMs();
    const isSilent = this.beganMs + patienceMs <= nowMs;
    const sinceMs = isSilent ? this.beganMs : this.overtakenSinceMs();
    if (isSilent || (sinceMs !== undefined && sinceMs + patienceMs <= nowMs)) this.expired(patienceMs, !isSilent);
    else this.wait((sinceMs ?? this.beganMs) + patienceMs - nowMs);
  }
}

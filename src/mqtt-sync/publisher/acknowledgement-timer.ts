import type { CancelTimer, Clock } from '../time/clock.js';

/** How long the broker may take to answer, beside the time that the bytes need. */
const ANSWER_MS = 15_000;
/** Margin over the measured rate: links get slower without notice. */
const TRANSFER_FACTOR = 3;
/**
 * The slowest link that is still of use, 25 kbit/s, is assumed before anything was measured, and where less was: that is
 * mostly what there was to send, as one status in a round trip. By the factor above, a link may have a third of it.
 */
const SLOWEST_BYTES_PER_SECOND = 3_000;
/**
 * At most so long is waited for what was sent with QoS 0 ahead. Nobody knows how much of it still lies in the buffers on
 * the way; in this time 25 kbit/s carry 360 kB, and a faster link more than an operating system takes in advance.
 */
const LONGEST_FOR_QOS0_MS = 120_000;

function transferMs(bytes: number, bytesPerSecond = 0): number {
  return (TRANSFER_FACTOR * bytes * 1000) / Math.max(bytesPerSecond, SLOWEST_BYTES_PER_SECOND);
}

/** What is on the way, and how fast the link has been lately. */
export interface Unacknowledged {
  readonly unackedBytes: number;
  /** Undefined before the first acknowledgement. */
  readonly bytesPerSecond: number | undefined;
}

/**
 * Finds a link that is dead although nobody closed it: while something is in flight, an acknowledgement must come within
 * 15 s plus three times what the bytes in flight need at the measured rate, or at 25 kbit/s if that is more. Pings do not
 * help there: a broker may answer them and still acknowledge nothing. One packet that gets none while later ones get theirs
 * counts too: on a new connection it is sent again. What was sent with QoS 0 is never acknowledged, but the rest comes after
 * it, so its time is allowed too.
 *
 * An acknowledgement only notes the time: there may be thousands a second, and a timer started anew for each costs more
 * than sending the message. When the timer fires it sees whether it was early.
 */
export class AcknowledgementTimer {
  private cancel: CancelTimer | undefined;
  private beganMs = 0;
  private bytes = 0;
  private bytesPerSecond: number | undefined;
  /** When what was sent with QoS 0 ought to be through. */
  private qos0UntilMs = -Infinity;
  private qos0Ms = 0;

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
    this.qos0Ms = Math.max(0, this.qos0UntilMs - this.beganMs);
    if (!this.cancel) this.wait(ANSWER_MS);
  }

  /** Starts unless it is running. */
  ensure(unacknowledged: Unacknowledged): void {
    if (!this.cancel) this.restart(unacknowledged);
  }

  /** So much was sent with QoS 0. */
  sentQos0(bytes: number, { bytesPerSecond }: Unacknowledged): void {
    const nowMs = this.clock.monotonicMs();
    const untilMs = Math.max(nowMs, this.qos0UntilMs) + transferMs(bytes, bytesPerSecond);
    this.qos0UntilMs = Math.min(untilMs, nowMs + LONGEST_FOR_QOS0_MS);
  }

  /** All of that is through: a later message was acknowledged, or the link is a new one. */
  qos0Through(): void {
    this.qos0UntilMs = -Infinity;
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
    const patienceMs = ANSWER_MS + this.qos0Ms + transferMs(this.bytes, this.bytesPerSecond);
    const nowMs = this.clock.monotonicMs();
    const isSilent = this.beganMs + patienceMs <= nowMs;
    const sinceMs = isSilent ? this.beganMs : this.overtakenSinceMs();
    if (isSilent || (sinceMs !== undefined && sinceMs + patienceMs <= nowMs)) this.expired(patienceMs, !isSilent);
    else this.wait((sinceMs ?? this.beganMs) + patienceMs - nowMs);
  }
}

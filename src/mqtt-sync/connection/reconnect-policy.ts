import { fullJitterDelay } from '../time/backoff.js';
import { isMisconfiguration } from './connack.js';
import { type ConnectionEnd } from './broker-connection.js';

const BASE_MS = 250;
/** Refusals cost the broker a TLS handshake and a look-up each, and rarely pass within seconds. */
const REFUSED_CAP_MS = 30_000;
/** A wrong password is tried a few times soon, because it may just be being rotated, then seldom. */
const MISCONFIGURED_BASE_MS = 1000;
/** Long enough that two services with one client id do not throw each other out in a storm. */
const TAKEN_OVER_FLOOR_MS = 30_000;
/** A connection that lived this long was a good one. */
const PROVEN_AFTER_MS = 30_000;
/** A close this soon after the CONNACK, with nothing in flight, hints at a client id used twice. */
const EARLY_CLOSE_MS = 5000;
/** So many of them in a row are taken for a takeover, which MQTT 3.1.1 does not announce. */
const EARLY_CLOSES_TOLERATED = 3;
/** MQTT 5 DISCONNECT, "Session taken over" (section 3.14.2.1). */
const SESSION_TAKEN_OVER = 0x8e;

/** How long to wait before the next attempt, and why. */
export interface ReconnectDecision {
  readonly delayMs: number;
  /** Another client uses our client id, or so it seems. */
  readonly takenOver: boolean;
}

/** What is known of a connection that was up. */
export interface LinkLife {
  readonly livedMs: number;
  readonly unacknowledged: number;
  readonly announcesTakeover: boolean;
}

/** Spaces the attempts: exponential growth with jitter, slower after refusals, slowest when the session is taken over. */
export class ReconnectPolicy {
  private attempts = 0;
  private earlyCloses = 0;

  constructor(
    private readonly networkCapMs: number,
    private readonly random: () => number,
  ) {}

  /** The link has proven itself: the next delay is the shortest. */
  confirm(): void {
    this.attempts = 0;
  }

  /** Decides after a failed attempt, or after the end of a link that lived as given. */
  decide(end: ConnectionEnd, life: LinkLife | undefined): ReconnectDecision {
    if (life && life.livedMs > PROVEN_AFTER_MS) this.confirm();
    const takenOver = this.isTakenOver(end, life);
    const delayMs = takenOver ? TAKEN_OVER_FLOOR_MS * (1 + this.random()) : this.delayAfter(end);
    this.attempts++;
    return { delayMs, takenOver };
  }

  private delayAfter({ refusal }: ConnectionEnd): number {
    if (!refusal) return fullJitterDelay(this.attempts, { baseMs: BASE_MS, capMs: this.networkCapMs }, this.random);
    const capMs = Math.max(REFUSED_CAP_MS, this.networkCapMs);
    if (!isMisconfiguration(refusal.code)) {
      return fullJitterDelay(this.attempts, { baseMs: BASE_MS, capMs }, this.random);
    }
    const ceilingMs = fullJitterDelay(this.attempts, { baseMs: MISCONFIGURED_BASE_MS, capMs }, () => 1);
    return (ceilingMs / 2) * (1 + this.random());
  }

  private isTakenOver(end: ConnectionEnd, life: LinkLife | undefined): boolean {
    if (end.reasonCode === SESSION_TAKEN_OVER) return true;
    if (!life) return false;
    const isEarlyClose = end.by === 'peer' && life.livedMs <= EARLY_CLOSE_MS && life.unacknowledged === 0;
    this.earlyCloses = isEarlyClose && !life.announcesTakeover ? this.earlyCloses + 1 : 0;
    return this.earlyCloses > EARLY_CLOSES_TOLERATED;
  }
}

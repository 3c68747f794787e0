import { backoffCeiling, fullJitterDelay } from '../time/backoff.js';
import type { MqttProtocol } from './connection-options.js';
import { isMisconfiguration } from './connack.js';
import type { ConnectionEnd } from './broker-connection.js';

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
/**
 * More of them in a row are taken for a takeover. MQTT 3.1.1 does not announce one. On MQTT 5 a DISCONNECT should, but
 * Mosquitto 2.0 just closes there too; with less reason for suspicion it takes more to confirm it.
 */
const IDLE_CLOSES_TOLERATED: Readonly<Record<MqttProtocol, number>> = { '3.1.1': 3, '5': 8 };
/**
 * So many early closes in a row, whatever was in flight, and acknowledgements no longer shorten the delays: two busy
 * services with one client id would be reconnecting as fast as they can. More than it takes to isolate a few messages
 * that the broker hangs up on.
 */
const EARLY_CLOSES_TOLERATED = 20;
/** MQTT 5 DISCONNECT, "Session taken over" (section 3.14.2.1). */
const SESSION_TAKEN_OVER = 0x8e;

/** While a culprit is being isolated the closes are expected, and everything waits for the finding. */
const PROBE_LIMITS = { baseMs: BASE_MS, capMs: 2000 };

/** How long to wait before the next attempt, and why. */
export interface ReconnectDecision {
  readonly delayMs: number;
  /**
   * `taken_over`: another client uses our client id, or so it seems. `flapping`: the connections keep ending early; said
   * once per series.
   */
  readonly suspicion: 'taken_over' | 'flapping' | undefined;
}

/** What is known of a connection that was up. */
export interface LinkLife {
  readonly livedMs: number;
  readonly unacknowledged: number;
  readonly protocol: MqttProtocol;
  /** The publisher is finding out which message the broker hangs up on. */
  readonly isProbing: boolean;
}

/** Spaces the attempts: exponential growth with jitter, slower after refusals, slowest when the session is taken over. */
export class ReconnectPolicy {
  private attempts = 0;
  private earlyCloses = 0;
  private idleCloses = 0;

  constructor(
    private readonly networkCapMs: number,
    private readonly random: () => number,
  ) {}

  /** The link has proven itself: the next delay is the shortest. */
  confirm(): void {
    if (this.earlyCloses <= EARLY_CLOSES_TOLERATED) this.attempts = 0;
  }

  /** Decides after a failed attempt, or after the end of a link that lived as given. */
  decide(end: ConnectionEnd, life: LinkLife | undefined): ReconnectDecision {
    if (life?.isProbing && end.reasonCode !== SESSION_TAKEN_OVER)
      return { delayMs: fullJitterDelay(this.attempts++, PROBE_LIMITS, this.random), suspicion: undefined };
    if (life) this.learn(end, life);
    const closesLikeTakeover = life && this.idleCloses > IDLE_CLOSES_TOLERATED[life.protocol];
    const takenOver = end.reasonCode === SESSION_TAKEN_OVER || closesLikeTakeover;
    const delayMs = takenOver ? TAKEN_OVER_FLOOR_MS * (1 + this.random()) : this.delayAfter(end);
    this.attempts++;
    if (takenOver) return { delayMs, suspicion: 'taken_over' };
    const startsFlapping = life && this.earlyCloses === EARLY_CLOSES_TOLERATED + 1;
    return { delayMs, suspicion: startsFlapping ? 'flapping' : undefined };
  }

  private learn({ by, closedInOrder }: ConnectionEnd, { livedMs, unacknowledged }: LinkLife): void {
    const isEarlyClose = (by === 'peer' || by === 'server_disconnect') && livedMs <= EARLY_CLOSE_MS;
    this.earlyCloses = isEarlyClose ? this.earlyCloses + 1 : 0;
    const isIdleClose = isEarlyClose && by === 'peer' && closedInOrder && unacknowledged === 0;
    this.idleCloses = isIdleClose ? this.idleCloses + 1 : 0;
    if (livedMs > PROVEN_AFTER_MS) this.confirm();
  }

  private delayAfter({ refusal }: ConnectionEnd): number {
    const refusedCapMs = Math.max(REFUSED_CAP_MS, this.networkCapMs);
    if (refusal && isMisconfiguration(refusal.code)) {
      const ceilingMs = backoffCeiling(this.attempts, { baseMs: MISCONFIGURED_BASE_MS, capMs: refusedCapMs });
      return (ceilingMs / 2) * (1 + this.random());
    }
    const capMs = refusal ? refusedCapMs : this.networkCapMs;
    return fullJitterDelay(this.attempts, { baseMs: BASE_MS, capMs }, this.random);
  }
}

import type { Clock } from '../time/clock.js';

/** Where a new connection starts at most: enough for a few hundred changes, about 3 s on a 352 kbit/s link. */
const FIRST_WINDOW_BYTES = 128 * 1024;
/** Below it a window would hold back single large messages more than it would help urgent ones. */
const SMALLEST_WINDOW_BYTES = 8 * 1024;
const LARGEST_WINDOW_BYTES = 64 * 1024 * 1024;
/** The window over the bandwidth-delay product: room to notice that the link has become faster. */
const HEADROOM = 1.25;
/** As long as each round raises the rate by `GROWTH`, the window is `START_GAIN` times the product: it doubles. */
const GROWTH = 1.25;
const START_GAIN = 2;
/** How many rounds a measured rate is remembered, so that the window follows a link that has become slower. */
const REMEMBERED_ROUNDS = 10;
/** Those of a link that has become slower take longer and longer: what is older than as many good ones, or this, is forgotten too. */
const SHORTEST_MEMORY_MS = 2000;
/** Shorter round trips than this are not worth a smaller window: what limits there is the two ends, not the link. */
const SHORTEST_ROUND_TRIP_MS = 50;

/** What the window remembers of one packet until its first answer (PUBACK, PUBREC). */
export interface SentPacket {
  readonly bytes: number;
  readonly sentAtMs: number;
  /** Bytes that had been acknowledged on the connection when this one was sent. */
  readonly ackedBytesBefore: number;
  /** When the last of those was acknowledged. */
  readonly ackedAtMsBefore: number;
}

/**
 * How many bytes without an answer (PUBACK, PUBREC) are worth having on the way. It grows while the acknowledged rate grows and settles near
 * 1.25 x the bandwidth-delay product, so that it neither idles a fast link nor floods a slow one. The rate is measured as
 * in delivery-rate estimation (draft-cheng-iccrg-delivery-rate-estimation): bytes acknowledged between the sending and
 * the acknowledgement of a packet, over that time.
 */
export class Window {
  private limit = FIRST_WINDOW_BYTES;
  private unacked = 0;
  private ackedBytes = 0;
  private ackedAtMs = 0;
  private shortestRoundTripMs = Infinity;
  private readonly roundTripsMs: number[] = [];
  private roundTripMs = Infinity;
  private readonly rounds: { readonly rate: number; readonly endedAtMs: number }[] = [];
  /** The best of them. */
  private rememberedRate = 0;
  private roundRate = 0;
  /** The first round ends with a packet that was sent after the first acknowledgement: it spans a whole window. */
  private roundEndsAtBytes = 1;
  private bestRate = 0;
  private wasFull = false;

  constructor(private readonly clock: Clock) {}

  /** Most bytes without an answer just now. */
  get limitBytes(): number {
    return this.limit;
  }

  get unackedBytes(): number {
    return this.unacked;
  }

  /** Whether another packet may be sent: one always may, and the last one may reach beyond the limit. */
  get hasRoom(): boolean {
    if (this.unacked < this.limit) return true;
    this.wasFull = true;
    return false;
  }

  /** The rate that the link has shown lately, in bytes a second; undefined before the first acknowledgement. */
  get bytesPerSecond(): number | undefined {
    const rate = Math.max(this.roundRate, this.rememberedRate);
    return rate > 0 ? rate * 1000 : undefined;
  }

  /** The shortest round trip on this connection, without what it waited for behind others; undefined before the first. */
  get bestRoundTripMs(): number | undefined {
    return Number.isFinite(this.shortestRoundTripMs) ? this.shortestRoundTripMs : undefined;
  }

  /** Something else than the window held back what could have been sent: what is on its way is all that may be. */
  limitedByCount(): void {
    this.wasFull = true;
  }

  /** A new connection starts with what the last one learned, but never with much: it may be another, slower link. */
  reset(): void {
    this.limit = Math.min(this.limit, FIRST_WINDOW_BYTES);
    this.unacked = 0;
    this.ackedBytes = 0;
    this.ackedAtMs = this.clock.monotonicMs();
    this.shortestRoundTripMs = Infinity;
    this.roundTripsMs.length = 0;
    this.roundTripMs = Infinity;
    this.rounds.length = 0;
    this.rememberedRate = 0;
    this.roundRate = 0;
    this.roundEndsAtBytes = 1;
    this.bestRate = 0;
    this.wasFull = false;
  }

  sent(bytes: number): SentPacket {
    const sentAtMs = this.clock.monotonicMs();
    // After an idle time the rate is measured from this packet on, not from the last acknowledgement long ago, and over a
    // whole window as on a new connection: one packet in a round trip says nothing about the link.
    if (this.unacked === 0) {
      this.ackedAtMs = sentAtMs;
      this.roundEndsAtBytes = this.ackedBytes + 1;
    }
    this.unacked += bytes;
    return { bytes, sentAtMs, ackedBytesBefore: this.ackedBytes, ackedAtMsBefore: this.ackedAtMs };
  }

  acked(packet: SentPacket): void {
    const nowMs = this.clock.monotonicMs();
    this.unacked -= packet.bytes;
    this.ackedBytes += packet.bytes;
    this.ackedAtMs = nowMs;
    this.roundTripMs = Math.min(this.roundTripMs, nowMs - packet.sentAtMs);
    this.shortestRoundTripMs = Math.min(this.shortestRoundTripMs, this.roundTripMs);
    const elapsedMs = Math.max(nowMs - packet.ackedAtMsBefore, 1);
    this.roundRate = Math.max(this.roundRate, (this.ackedBytes - packet.ackedBytesBefore) / elapsedMs);
    // A round has passed when a packet is acknowledged that was sent after the round began.
    if (packet.ackedBytesBefore >= this.roundEndsAtBytes) this.endRound();
  }

  private endRound(): void {
    this.roundEndsAtBytes = this.ackedBytes;
    if (this.wasFull || this.roundRate > this.bestRate) this.learn();
    this.roundRate = 0;
    this.roundTripMs = Infinity;
    this.wasFull = false;
  }

  private learn(): void {
    this.roundTripsMs.push(this.roundTripMs);
    if (this.roundTripsMs.length > REMEMBERED_ROUNDS) this.roundTripsMs.shift();
    // So little on the way hardly delays itself: the link has become longer, and the old round trip will not come back.
    if (this.limit <= SMALLEST_WINDOW_BYTES) this.shortestRoundTripMs = Math.min(...this.roundTripsMs);
    const grew = this.roundRate >= this.bestRate * GROWTH;
    this.bestRate = Math.max(this.bestRate, this.roundRate);
    const roundTripMs = Math.max(this.shortestRoundTripMs, SHORTEST_ROUND_TRIP_MS);
    this.rememberRate(Math.max(REMEMBERED_ROUNDS * roundTripMs, SHORTEST_MEMORY_MS));
    const product = this.rememberedRate * roundTripMs;
    const wanted = product * (grew ? START_GAIN : HEADROOM);
    // A round that the window did not limit shows what the application had to send, not what the link cannot carry.
    const smallest = this.wasFull ? SMALLEST_WINDOW_BYTES : this.limit;
    this.limit = Math.min(Math.max(wanted, smallest), LARGEST_WINDOW_BYTES);
  }

  private rememberRate(forMs: number): void {
    const { rounds, ackedAtMs, roundRate } = this;
    rounds.push({ rate: roundRate, endedAtMs: ackedAtMs });
    const isOld = ({ endedAtMs }: { readonly endedAtMs: number }) => endedAtMs < ackedAtMs - forMs;
    // Never the last but one: the round in which a link came back after a gap is a slow one.
    while (rounds.length > REMEMBERED_ROUNDS || (rounds.length > 2 && isOld(rounds[0]!))) rounds.shift();
    this.rememberedRate = Math.max(...rounds.map(({ rate }) => rate));
  }
}

import type { LinkLoss } from '../connection/link.js';
import type { SyncLogger } from '../logger.js';
import type { QueuedMessage } from '../queue/message.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { blamesAMessage, blamesTheConnection } from './reason-codes.js';

/** Closes with the same message as the oldest unacknowledged one after which it is sent alone. */
const STRIKES_OF_THE_OLDEST = 2;
/** The same for a message that is not the oldest: it overtakes others in a faster lane, and they get on while it never does. */
const STRIKES_OF_ANY = 4;
/** Closes on the suspect alone after which it is found guilty. */
const ALONE_TO_CONVICT = 3;

/** The quiet time: so many times what it lasted until the broker hung up, within these bounds. */
const QUIET_PER_HANG_UP = 3;
const SHORTEST_QUIET_MS = 100;
/** A broker that takes longer to hang up is none that can be told from a link that does not live so long. */
const LONGEST_QUIET_MS = 120_000;
/** One close in a quiet time may be chance: a broker that is restarted now and then, and hangs up on a message too. */
const QUIET_CLOSES_TO_DROP = 2;

type Suspect = Pick<QueuedMessage, 'position' | 'messageId' | 'entity'>;

interface Suspicion {
  strikes: number;
  /** How many of the strikes fell while it was sent alone, as the suspect. */
  alone: number;
  /** Longest time from sending it alone to the close. */
  hangUpMs: number;
  /** How much of the quiet time that is due was over when connections ended for reasons of their own. */
  servedMs: number;
  /** How long connections were quiet for it in all, and how many of them were closed meanwhile. */
  quietMs: number;
  quietCloses: number;
  /** What had been acknowledged when the suspicion began: anything more shows that the broker works. */
  readonly acknowledgedBefore: number;
}

interface QuietTime {
  readonly suspicion: Suspicion;
  readonly beganAtMs: number;
  readonly lengthMs: number;
  readonly cancel: CancelTimer;
}

/** How the probing narrows what may be sent. */
export interface Probe {
  /** Most messages in flight; none of the queue in a quiet time. */
  readonly limit: number;
  /** The message that must go first, alone; undefined when it is through and the rest of the suspects follow. */
  readonly suspect: Suspect | undefined;
  /** Nothing of the queue is sent, to see whether the broker hangs up on nothing too. */
  readonly isQuiet: boolean;
  /**
   * Try a message of another entity type in its place, if there is one: the suspect has died often enough alone, but the
   * broker has not yet shown that it takes anything at all.
   */
  readonly standIn: boolean;
  /** The entity type of the last culprit: where there was one there may be more, so the others go first. */
  readonly lastIn: string | undefined;
}

/** How a connection died. */
export interface Death {
  /** How long ago the first of the unacknowledged messages was sent. */
  readonly sinceSentMs: number;
  /** Nothing else that was published and is not answered can have been what the broker hung up on. */
  readonly isAlone: boolean;
}

/** Whose fault the loss of a connection was. */
export type Verdict = 'nobody' | 'guilty';

/**
 * Finds the message on which a broker hangs up (a 3.1.1 broker has no other way to refuse). A close is a strike against
 * everything that is unacknowledged. A message with two strikes as the oldest, or four at all, is sent alone, and after
 * three closes on it alone it is guilty, if the broker has acknowledged anything else since the first: one that is merely
 * unwell blames nobody. Between these three the connection is first left quiet for several times as long as the broker
 * took to hang up. If connections do not outlast that on average, somebody closes them whatever is on them (another
 * client with the same client id, a proxy), and every suspicion is dropped. When the suspect gets through, 2, 4, 8, ... messages
 * follow together, until all that was on the way with it is through.
 */
export class Suspects {
  private readonly suspicions = new Map<number, Suspicion>();
  private suspect: Suspect | undefined;
  private limit = 0;
  /** Messages still to get through before probing ends. */
  private toClear = 0;
  private guiltyEntity: string | undefined;
  private acknowledgedSoFar = 0;
  private quiet: QuietTime | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
    /** Called when a quiet time is over. */
    private readonly due: () => void,
  ) {}

  /** Undefined when nothing is suspected. */
  get probe(): Probe | undefined {
    if (this.limit === 0) return undefined;
    const { limit, suspect, guiltyEntity: lastIn, needsStandIn: standIn } = this;
    return { limit, suspect, isQuiet: this.quiet !== undefined, standIn, lastIn };
  }

  /** A connection is up. */
  linked(): void {
    const suspicion = this.suspicionOfSuspect;
    if (!suspicion || suspicion.alone === 0) return;
    const wantedMs = Math.max(SHORTEST_QUIET_MS, QUIET_PER_HANG_UP * suspicion.hangUpMs);
    const lengthMs = Math.min(wantedMs, LONGEST_QUIET_MS);
    const leftMs = lengthMs - suspicion.servedMs;
    if (leftMs <= 0) return;
    const cancel = this.clock.after(leftMs, () => {
      this.quiet = undefined;
      suspicion.servedMs = lengthMs;
      suspicion.quietMs += lengthMs;
      this.due();
    });
    this.quiet = { suspicion, beganAtMs: this.clock.monotonicMs(), lengthMs, cancel };
  }

  /**
   * A connection died.
   * @param unacknowledged messages of the queue that were on the way, in the order of sending
   */
  lost(unacknowledged: readonly QueuedMessage[], loss: LinkLoss, { sinceSentMs, isAlone }: Death): Verdict {
    const { quiet } = this;
    this.stop();
    if (!this.isEvidence(loss)) {
      // Or links that do not live so long would be quiet for ever.
      if (quiet) quiet.suspicion.servedMs += this.clock.monotonicMs() - quiet.beganAtMs;
      return 'nobody';
    }
    if (quiet) this.closedInQuiet(quiet);
    const [oldest] = unacknowledged;
    if (!oldest || quiet) return 'nobody';
    if (sinceSentMs > LONGEST_QUIET_MS) {
      if (oldest.position === this.suspect?.position) this.dropSuspicions();
      return 'nobody';
    }
    for (const message of unacknowledged) this.suspicionOf(message).strikes++;
    if (isAlone && oldest.position === this.suspect?.position) this.diedAlone(this.suspicionOf(oldest), sinceSentMs);
    if (isAlone && this.isGuilty(oldest, loss)) {
      this.guiltyEntity = oldest.entity;
      this.forget(oldest.position);
      return 'guilty';
    }
    this.suspectOneOf(unacknowledged, loss);
    return 'nobody';
  }

  /** A message was acknowledged, or refused in so many words: not one on which the broker hangs up. */
  acknowledged(message: QueuedMessage): void {
    this.acknowledgedSoFar++;
    this.acquitOf(message.position);
    // As long as there is a suspect, it was a stand-in that got through.
    if (this.clearOne()) this.limit *= 2;
  }

  /** Something of the service's own traffic was acknowledged: the broker works. */
  controlAcknowledged(): void {
    this.acknowledgedSoFar++;
  }

  /** The message has left the queue. */
  forget(position: number): void {
    if (!this.suspicions.has(position)) return;
    this.acquitOf(position);
    // It will not get through any more, so the probing must not wait for that.
    this.clearOne();
  }

  /** Stops the timer. */
  stop(): void {
    this.quiet?.cancel();
    this.quiet = undefined;
  }

  private get suspicionOfSuspect(): Suspicion | undefined {
    return this.suspect && this.suspicions.get(this.suspect.position);
  }

  private get needsStandIn(): boolean {
    const suspicion = this.suspicionOfSuspect;
    return suspicion !== undefined && suspicion.alone >= ALONE_TO_CONVICT && !this.brokerWorksSince(suspicion);
  }

  private isEvidence(loss: LinkLoss): boolean {
    if (loss.by === 'server_disconnect') return !blamesTheConnection(loss.reasonCode);
    return loss.by === 'peer';
  }

  private closedInQuiet({ suspicion, beganAtMs, lengthMs }: QuietTime): void {
    suspicion.quietCloses++;
    suspicion.quietMs += this.clock.monotonicMs() - beganAtMs;
    if (suspicion.quietCloses < QUIET_CLOSES_TO_DROP) return;
    if (suspicion.quietMs < suspicion.quietCloses * lengthMs) this.dropSuspicions();
  }

  private diedAlone(suspicion: Suspicion, sinceSentMs: number): void {
    suspicion.alone++;
    suspicion.servedMs = 0;
    suspicion.hangUpMs = Math.max(suspicion.hangUpMs, sinceSentMs);
  }

  /** Of a message that was on the way alone. */
  private isGuilty(message: QueuedMessage, loss: LinkLoss): boolean {
    // The broker said what is wrong, and there was only one packet it can have meant.
    if (blamesAMessage(loss.reasonCode)) return true;
    if (message.position !== this.suspect?.position) return false;
    const suspicion = this.suspicionOf(message);
    return suspicion.alone >= ALONE_TO_CONVICT && this.brokerWorksSince(suspicion);
  }

  private brokerWorksSince({ acknowledgedBefore }: Suspicion): boolean {
    return this.acknowledgedSoFar > acknowledgedBefore;
  }

  private suspectOneOf(unacknowledged: readonly QueuedMessage[], loss: LinkLoss): void {
    const strikesOf = (message: QueuedMessage): number => this.suspicionOf(message).strikes;
    const prime = unacknowledged.reduce((most, message) => (strikesOf(message) > strikesOf(most) ? message : most));
    const strikes = strikesOf(prime);
    const enough = prime === unacknowledged[0] ? STRIKES_OF_THE_OLDEST : STRIKES_OF_ANY;
    if (strikes < enough && !blamesAMessage(loss.reasonCode)) return;
    const { position, messageId, entity } = prime;
    if (!this.suspect) {
      this.logger.warn(
        `The broker closed the connection ${strikes} times with message ${messageId} (${entity}) on the way; ` +
          `sending it alone to find out.`,
      );
    }
    this.suspect = { position, messageId, entity };
    this.limit = 1;
    this.toClear = Math.max(this.toClear, unacknowledged.length);
  }

  private suspicionOf(message: QueuedMessage): Suspicion {
    let suspicion = this.suspicions.get(message.position);
    if (!suspicion) {
      suspicion = {
        strikes: 0,
        alone: 0,
        hangUpMs: 0,
        servedMs: 0,
        quietMs: 0,
        quietCloses: 0,
        acknowledgedBefore: this.acknowledgedSoFar,
      };
      this.suspicions.set(message.position, suspicion);
    }
    return suspicion;
  }

  private acquitOf(position: number): void {
    this.suspicions.delete(position);
    if (this.suspect?.position === position) this.suspect = undefined;
  }

  /** One fewer has to get through before probing ends; answers whether it goes on with the rest of the suspects. */
  private clearOne(): boolean {
    if (this.limit === 0 || this.suspect) return false;
    this.toClear--;
    if (this.toClear > 0) return true;
    this.end();
    return false;
  }

  private dropSuspicions(): void {
    if (this.suspect) {
      this.logger.warn(
        `Connections end whatever is on the way: message ${this.suspect.messageId} (${this.suspect.entity}) is not to blame.`,
      );
    }
    this.suspicions.clear();
    this.suspect = undefined;
    this.end();
  }

  private end(): void {
    this.limit = 0;
    this.toClear = 0;
    this.guiltyEntity = undefined;
  }
}

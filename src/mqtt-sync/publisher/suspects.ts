import { type LinkLoss } from '../connection/link.js';
import { type SyncLogger } from '../logger.js';
import { type QueuedMessage } from '../queue/message.js';
import { blamesAMessage, blamesTheConnection } from './reason-codes.js';

/** Closes with the same message as the oldest unacknowledged one after which it is sent alone. */
const STRIKES_TO_PROBE = 2;
/** Closes, the last ones with the message alone on the way, after which it is found guilty. */
const STRIKES_TO_CONVICT = 4;

/** Messages that follow together once the suspect is through, after 2 and 4. */
const WIDEST_PROBE = 8;

interface Suspicion {
  readonly message: QueuedMessage;
  strikes: number;
  /** How many of the strikes fell while the message was alone on the way. */
  alone: number;
  /** Acknowledgements of anything else since the first strike: they show that the broker works. */
  othersAcknowledged: number;
}

/** How the probing narrows what may be sent. */
export interface Probe {
  /** Most messages in flight. */
  readonly limit: number;
  /** The message that must go first, alone; undefined when it is through and the rest of the suspects follow. */
  readonly suspect: QueuedMessage | undefined;
  /**
   * Try a message of another entity type in its place, if there is one: the suspect has died often enough alone, but the
   * broker has not yet shown that it takes anything at all.
   */
  readonly standIn: boolean;
  /** The entity type of the last culprit: where there was one there may be more, so the others go first. */
  readonly lastIn: string | undefined;
}

/** Whose fault the loss of a connection was. */
export type Verdict = 'nobody' | 'guilty';

/**
 * Finds the message on which a broker hangs up (a 3.1.1 broker has no other way to refuse). A close with something
 * unacknowledged is a strike against the oldest of it; a message with two strikes is sent alone, and after four it is
 * guilty if at least two of them fell while it was alone and the broker has acknowledged anything else since the first.
 * So a broker that is merely unwell blames nobody. When the suspect gets through, 2, 4 and 8 messages follow together,
 * until all that was on the way with it is through.
 */
export class Suspects {
  private readonly suspicions = new Map<number, Suspicion>();
  private suspect: QueuedMessage | undefined;
  private limit = 0;
  /** Messages still to get through before probing ends. */
  private toClear = 0;
  private guiltyEntity: string | undefined;

  constructor(private readonly logger: SyncLogger) {}

  /** Undefined when nothing is suspected. */
  get probe(): Probe | undefined {
    if (this.limit === 0) return undefined;
    return { limit: this.limit, suspect: this.suspect, standIn: this.needsStandIn, lastIn: this.guiltyEntity };
  }

  /** A connection died with these messages unacknowledged, oldest first. */
  lost(unacknowledged: readonly QueuedMessage[], loss: LinkLoss): Verdict {
    const [oldest] = unacknowledged;
    if (!oldest || !this.isEvidence(loss)) return 'nobody';
    const suspicion = this.suspicionOf(oldest);
    const wasAlone = unacknowledged.length === 1;
    suspicion.strikes++;
    if (wasAlone) suspicion.alone++;
    if (this.isGuilty(suspicion, loss)) {
      this.acquitOf(oldest.position);
      this.guiltyEntity = oldest.entity;
      return 'guilty';
    }
    if (suspicion.strikes >= STRIKES_TO_PROBE || blamesAMessage(loss.reasonCode)) {
      if (!this.suspect) {
        this.logger.warn(
          `The broker closed the connection ${suspicion.strikes} times with message ${oldest.messageId} (${oldest.entity}) ` +
            `as the oldest unacknowledged one; sending it alone to find out.`,
        );
      }
      this.suspect = oldest;
      this.limit = 1;
      this.toClear = Math.max(this.toClear, unacknowledged.length);
    }
    return 'nobody';
  }

  /** A message was acknowledged, or refused in so many words: not one on which the broker hangs up. */
  acknowledged(message: QueuedMessage): void {
    this.otherAcknowledged(message.position);
    this.acquitOf(message.position);
    // As long as there is a suspect, it was a stand-in that got through.
    if (this.limit === 0 || this.suspect) return;
    this.toClear--;
    if (this.toClear <= 0) this.end();
    else if (this.limit < WIDEST_PROBE) this.limit *= 2;
  }

  private end(): void {
    this.limit = 0;
    this.guiltyEntity = undefined;
  }

  /** Something of the service's own traffic was acknowledged: the broker works. */
  controlAcknowledged(): void {
    this.otherAcknowledged(undefined);
  }

  /** The message has left the queue. */
  forget(position: number): void {
    this.acquitOf(position);
  }

  private isEvidence(loss: LinkLoss): boolean {
    if (loss.by === 'server_disconnect') return !blamesTheConnection(loss.reasonCode);
    return loss.by === 'peer';
  }

  private get needsStandIn(): boolean {
    const suspicion = this.suspect && this.suspicions.get(this.suspect.position);
    return suspicion !== undefined && suspicion.strikes >= STRIKES_TO_CONVICT && suspicion.othersAcknowledged === 0;
  }

  private isGuilty({ strikes, alone, othersAcknowledged }: Suspicion, loss: LinkLoss): boolean {
    if (alone === 0) return false;
    // The broker said what is wrong, and there was only one packet it can have meant.
    if (blamesAMessage(loss.reasonCode)) return true;
    return strikes >= STRIKES_TO_CONVICT && alone >= STRIKES_TO_CONVICT - STRIKES_TO_PROBE && othersAcknowledged > 0;
  }

  private suspicionOf(message: QueuedMessage): Suspicion {
    let suspicion = this.suspicions.get(message.position);
    if (!suspicion) {
      suspicion = { message, strikes: 0, alone: 0, othersAcknowledged: 0 };
      this.suspicions.set(message.position, suspicion);
    }
    return suspicion;
  }

  private otherAcknowledged(position: number | undefined): void {
    for (const suspicion of this.suspicions.values()) {
      if (suspicion.message.position !== position) suspicion.othersAcknowledged++;
    }
  }

  private acquitOf(position: number): void {
    this.suspicions.delete(position);
    if (this.suspect?.position === position) this.suspect = undefined;
  }
}

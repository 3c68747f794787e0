import { QueueUnavailableError } from '../errors.js';
import type { EntityStream, Volume } from './entity-stream.js';
import { Fifo } from './fifo.js';
import type { MessageKey } from './message-store.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';
import type { DeadLetter } from './sync-queue.js';

/**
 * What may wait for its commit in memory, the commit under way included: several commits of the largest size, so that a
 * healthy disk never comes near it. Beyond it the disk does not keep up, and callers are better told than kept.
 */
const MAX_WAITING: Volume = { messages: 65_536, bytes: 64 * 1024 * 1024 };

/** So many delivered messages at most wait for more of their kind. */
const MAX_WAITING_DELIVERIES = 256;

/** What is delivered faster than the disk takes it is not kept for those who missed it beyond this. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

/** A call of `accept()` that waits for its commit; takes part of `waiting` until it is answered. */
export class AcceptCall {
  private isAnswered = false;

  constructor(
    readonly drafts: readonly MessageDraft[],
    /** Messages, and what they take at most. */
    readonly asked: Readonly<Volume>,
    private readonly waiting: Volume,
    private readonly resolved: (accepted: readonly AcceptedMessage[]) => void,
    private readonly rejected: (error: Error) => void,
  ) {
    waiting.messages += asked.messages;
    waiting.bytes += asked.bytes;
  }

  resolve(accepted: readonly AcceptedMessage[]): void {
    this.answered();
    this.resolved(accepted);
  }

  reject(error: Error): void {
    this.answered();
    this.rejected(error);
  }

  /** Only the first answer counts: a store that fails while a commit is formed refuses what is being put into it, too. */
  private answered(): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.waiting.messages -= this.asked.messages;
    this.waiting.bytes -= this.asked.bytes;
  }
}

/** A message that left: delivered, or set aside as a dead letter. */
export interface Departure {
  readonly stream: EntityStream;
  readonly key: MessageKey;
  readonly bytes: number;
  /** What is kept of it, when it was set aside. */
  readonly letter: DeadLetter | undefined;
  /** Its record, when that is damaged. */
  readonly raw: Buffer | undefined;
  /** The message, when it was delivered and is to be kept for whoever missed it. */
  readonly delivered: QueuedMessage | undefined;
}

/** Somebody wants a dead letter to be sent again, or to go for good. */
export interface LetterCall {
  readonly position: number;
  readonly action: 'retry' | 'discard';
  readonly resolve: (found: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Somebody wants waiting messages to be dropped. */
export interface PurgeCall {
  /** Undefined: of all entity types. */
  readonly entity: string | undefined;
  /** The newest position that may go. */
  readonly upTo: number;
  /** With how many the commit drops; fewer than wait when it has no room for more, 0 when nothing is left. */
  readonly resolve: (count: number) => void;
  readonly reject: (error: Error) => void;
}

/** What was asked of the queue since the last commit was formed. */
export class PendingWork {
  readonly accepts = new Fifo<AcceptCall>();
  readonly letters = new Fifo<LetterCall>();
  readonly purges = new Fifo<PurgeCall>();
  readonly departures = new Fifo<Departure>();
  /** Payloads of delivered messages in `departures`. */
  private heldBytes = 0;
  /** How many in `departures` are dead letters. */
  private setAside = 0;
  /** Entity types some of whose gaps were forgotten. */
  readonly staleGaps = new Set<EntityStream>();
  /** What the calls ask for that are not answered yet. */
  private readonly waiting: Volume = { messages: 0, bytes: 0 };

  get isEmpty(): boolean {
    const calls = this.accepts.length + this.letters.length + this.purges.length;
    return calls === 0 && !this.hasUpkeep;
  }

  /** Whether there is something that has to be stored sooner or later, whatever fails meanwhile. */
  get hasUpkeep(): boolean {
    return this.departures.length > 0 || this.staleGaps.size > 0;
  }

  /** Whether there is nothing but some messages that were delivered, for which nobody waits. */
  get canWait(): boolean {
    const calls = this.accepts.length + this.letters.length + this.purges.length;
    const others = calls + this.staleGaps.size + this.setAside;
    return others === 0 && this.departures.length < MAX_WAITING_DELIVERIES;
  }

  /** A message left; its payload is held until the commit only while that takes little memory. */
  depart(departure: Departure): void {
    if (departure.letter) this.setAside++;
    const held = this.heldBytes + (departure.delivered?.payload.length ?? 0);
    if (held > MAX_HELD_BYTES) this.departures.push(withoutPayload(departure));
    else {
      this.heldBytes = held;
      this.departures.push(departure);
    }
  }

  nextDeparture(): Departure {
    const departure = this.departures.shift()!;
    this.heldBytes -= departure.delivered?.payload.length ?? 0;
    if (departure.letter) this.setAside--;
    return departure;
  }

  /** Nothing came of a commit: that they left has to be stored, what they were need not be. */
  takeBack(departures: readonly Departure[]): void {
    this.setAside += departures.filter(({ letter }) => letter).length;
    this.departures.unshift(departures.map(withoutPayload));
  }

  /** Keeps a call until its commit; a single one of any size, more of them only within bounds. */
  accept(drafts: readonly MessageDraft[]): Promise<readonly AcceptedMessage[]> {
    const { waiting } = this;
    // An empty call takes up memory, too.
    const asked: Volume = { messages: Math.max(1, drafts.length), bytes: 0 };
    for (const { envelope } of drafts) asked.bytes += envelope.maxBytes;
    const messages = waiting.messages + asked.messages;
    const bytes = waiting.bytes + asked.bytes;
    if (waiting.messages > 0 && (messages > MAX_WAITING.messages || bytes > MAX_WAITING.bytes)) {
      const reason = `The disk does not keep up: ${waiting.messages} change(s) wait to be written already.`;
      return Promise.reject(new QueueUnavailableError(`${reason} Try again when they are.`, { ...waiting }));
    }
    return new Promise((resolve, reject) => {
      this.accepts.push(new AcceptCall(drafts, asked, waiting, resolve, reject));
    });
  }

  /** Refuses the calls that wait for an answer. */
  refuse(error: Error): void {
    for (const call of this.accepts.drain()) call.reject(error);
    for (const call of this.letters.drain()) call.reject(error);
    for (const call of this.purges.drain()) call.reject(error);
  }
}

/** What is left to do when there is no room to keep what was delivered. */
export function withoutPayload(departure: Departure): Departure {
  return departure.delivered ? { ...departure, delivered: undefined } : departure;
}

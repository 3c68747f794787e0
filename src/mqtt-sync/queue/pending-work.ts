import { type EntityStream } from './entity-stream.js';
import { Fifo } from './fifo.js';
import { type MessageKey } from './message-store.js';
import { type AcceptedMessage, type MessageDraft } from './message.js';
import { type DeadLetter } from './sync-queue.js';

/** A call of `accept()` that waits for its commit. */
export interface AcceptCall {
  readonly drafts: readonly MessageDraft[];
  readonly resolve: (accepted: readonly AcceptedMessage[]) => void;
  readonly reject: (error: Error) => void;
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
}

/** Somebody wants a dead letter to be sent again, or to go for good. */
export interface LetterCall {
  readonly position: number;
  readonly action: 'retry' | 'discard';
  readonly resolve: (found: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** What was asked of the queue since the last commit was formed. */
export class PendingWork {
  readonly accepts = new Fifo<AcceptCall>();
  readonly letters = new Fifo<LetterCall>();
  readonly departures = new Fifo<Departure>();
  /** Entity types some of whose gaps were forgotten. */
  readonly staleGaps = new Set<EntityStream>();

  get isEmpty(): boolean {
    return this.accepts.length === 0 && this.letters.length === 0 && !this.hasUpkeep;
  }

  /** Whether there is something that has to be stored sooner or later, whatever fails meanwhile. */
  get hasUpkeep(): boolean {
    return this.departures.length > 0 || this.staleGaps.size > 0;
  }

  /** Refuses the calls that wait for an answer. */
  refuse(error: Error): void {
    for (const call of this.accepts.drain()) call.reject(error);
    for (const call of this.letters.drain()) call.reject(error);
  }
}

import type { Lane } from '../wire/lanes.js';
import type { SequenceRange } from '../wire/sequence-ranges.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';
import type { QueueHistory } from './queue-history.js';
import type { DeadLetterReason } from './reasons.js';

/** The vessel that wants to use a queue. */
export interface VesselClaim {
  readonly vesselId: string;
  /** Whether somebody chose the id; a default one gives way to what the queue remembers. */
  readonly isExplicit: boolean;
}

/** Whose queue it is. */
export interface QueueIdentity {
  readonly vesselId: string;
  readonly epoch: number;
}

/** Why a message was set aside. */
export interface DeadLetterVerdict {
  /** Short and stable. A store that a newer version has written may hold others. */
  readonly reason: DeadLetterReason;
  /** The broker's MQTT reason code, when it gave one. */
  readonly reasonCode: number | undefined;
  /** How often the message had been sent. */
  readonly attempts: number;
}

/** A message that was set aside, with its story. */
export interface DeadLetter extends DeadLetterVerdict {
  /** Names the dead letter; the position that the message had in the queue. */
  readonly position: number;
  readonly entity: string;
  readonly sequence: number;
  /** Wall clock at which it was set aside, in milliseconds since 1970. */
  readonly deadAtMs: number;
  /** Undefined when the stored record was too damaged to be read. */
  readonly message: QueuedMessage | undefined;
}

/** Numbers of one lane. */
export interface LaneStats {
  readonly messages: number;
  readonly bytes: number;
  /** When its oldest undelivered message was accepted, in milliseconds since 1970; undefined when it is empty. */
  readonly oldestAcceptedAtMs: number | undefined;
}

/** Numbers of the queue, cheap enough for every scrape. */
export interface QueueStats {
  /** Accepted and not yet delivered, in flight included, dead letters not. */
  readonly messages: number;
  readonly bytes: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly lanes: Readonly<Record<Lane, LaneStats>>;
  readonly oldestAcceptedAtMs: number | undefined;
  readonly deadLetters: number;
  /** Sequence numbers dropped, discarded or damaged that the other side has not yet acknowledged to know of. */
  readonly untoldGaps: number;
  /** Damaged stores that lay beside this one when it was opened: what waited in them is not delivered. */
  readonly storesAside: number;
  /** Whether changes can be accepted; `unavailableReason` says why not. */
  readonly available: boolean;
  readonly unavailableReason: string | undefined;
}

/** What became of an accepted message. */
export type MessageFate = 'waiting' | 'left' | 'dropped' | 'dead_lettered';

/** Why a message was dropped: for want of room, because the process of a memory store stops, or by hand. */
export type DropReason = 'queue_full' | 'memory_store_stopped' | 'purged';

/** Why a dead letter was given up: for want of room among the dead letters, or by hand. */
export type DiscardReason = 'too_many' | 'by_hand';

/** Which messages of a queue. */
export interface MessageSelection {
  /** Only those of this entity type. @default all */
  readonly entity?: string | undefined;
  /** Only those with a larger position. @default all */
  readonly after?: number | undefined;
}

/** What the queue tells its owner, after the commit that made it true; `left` as soon as the count says so. */
export interface QueueObserver {
  dropped(message: QueuedMessage, reason: DropReason): void;
  deadLettered(letter: DeadLetter): void;
  /** A dead letter is gone for good. */
  discarded(letter: DeadLetter, reason: DiscardReason): void;
  /** A dead letter is back in the queue, at its new position. */
  retried(message: QueuedMessage): void;
  /** So many messages of an entity type are not in the store though they should be, which must be damaged; they become gaps. */
  missing(entity: string, count: number): void;
  availability(available: boolean, reason: string | undefined): void;
  /** A commit was stored; for whoever measures the store. */
  committed(durationMs: number): void;
  /**
   * A message left the count: at once when it is removed or set aside, with the commit when it is dropped. The position
   * is 0 for one that a damaged store has lost, and its position with it.
   * @param acceptedAt the position it was accepted at: another one if it has been a dead letter and was retried since.
   */
  left(position: number, acceptedAt: number): void;
}

/**
 * The store-and-forward queue between the application and the broker: the contract, and the token to inject.
 *
 * A message is *waiting* until `take()`, then *in flight* until `remove()` or `setAside()`; `putBack()` makes it
 * waiting again when it may have arrived, `untake()` when it has for sure not: it was never sent, or the broker has refused
 * it. Only the latter can be dropped: to tell a gap for the others could be a lie.
 *
 * Within an entity type messages are handed out in the order of acceptance.
 */
export abstract class SyncQueue {
  /** Whether an accepted message survives the process. */
  abstract readonly durable: boolean;

  /** Whose queue it is; undefined until `open()` has succeeded. */
  abstract readonly identity: QueueIdentity | undefined;

  /** What is known of changes that were given to the queue, whatever has become of them. */
  abstract readonly history: QueueHistory;

  /** Who is told of what the queue does by itself; set once, before `open()`. */
  abstract observe(observer: QueueObserver): void;

  /**
   * Opens or creates the store.
   * @param claim undefined: whoever's queue it is; then one that is not there is not begun.
   * @throws {QueueLockedError} another process has the folder open.
   * @throws {StoreFormatError} the store was written by a newer version.
   * @throws {QueueVesselMismatchError} it holds messages of another vessel than the explicit one.
   * @throws {QueueUnavailableError} the folder cannot be used, or holds no queue; `open()` may be called again.
   * @throws {StoppingError} the queue is closed, or was closed before it was open.
   */
  abstract open(claim: VesselClaim | undefined): Promise<QueueIdentity>;

  /**
   * Accepts messages in one commit, all or none; resolves when they are safe. Calls keep their order.
   * A draft whose given id was accepted before, for the same entity type, is answered with what was accepted then.
   * @throws {ChangeInvalidError} a given id was used for a change of another entity type.
   * @throws {QueueFullError} the overflow policy found nothing that may be dropped.
   * @throws {EntityTypeLimitError} a new entity type would be one too many.
   * @throws {QueueUnavailableError} the store cannot take messages just now, or does not keep up with the callers.
   * @throws {StoppingError} the queue is closing.
   */
  abstract accept(drafts: readonly MessageDraft[]): Promise<readonly AcceptedMessage[]>;

  /**
   * Takes the oldest waiting message of a lane whose entity type `admits` lets through; undefined when there is none.
   */
  abstract take(lane: Lane, admits: (entity: string) => boolean): QueuedMessage | undefined;

  /** Makes taken messages that may have arrived waiting again, at their old places; they are never dropped. */
  abstract putBack(messages: readonly QueuedMessage[]): void;

  /**
   * Makes taken messages that have for sure not arrived waiting again, at their old places: they can be dropped like any
   * that was never taken. Messages that are not in flight are ignored.
   */
  abstract untake(messages: readonly QueuedMessage[]): void;

  /** Forgets delivered messages; the removal is committed in the background, grouped, and retried until it holds. */
  abstract remove(messages: readonly QueuedMessage[]): void;

  /** Sets a taken message aside as a dead letter; committed in the background like `remove()`. */
  abstract setAside(message: QueuedMessage, verdict: DeadLetterVerdict): void;

  /**
   * What became of a message, for `Receipt.delivered()`; found by what it was accepted as, also after a retry. While the
   * store cannot be read, or is closed, a message counts as waiting unless something else is known of it.
   */
  abstract fateOf(message: Pick<AcceptedMessage, 'entity' | 'position' | 'sequence'>): MessageFate;

  abstract stats(): QueueStats;

  /**
   * The messages that are in the queue, in flight included, by position, oldest first, read as they are asked for. Those
   * whose record is damaged are left out.
   * @throws {QueueUnavailableError} the store cannot be read.
   */
  abstract messages(selection?: MessageSelection): Iterable<QueuedMessage>;

  /**
   * Drops the waiting messages of now, in commits of a bounded size; each becomes a gap. Those that may have arrived stay. Resolves with how many went.
   * @throws {QueueUnavailableError} the store cannot be written just now; some may have gone already.
   * @throws {StoppingError} the queue is closing; likewise.
   */
  abstract purge(selection?: Pick<MessageSelection, 'entity'>): Promise<number>;

  /** Sequence numbers that the other side will never see and does not know of yet, by entity type. */
  abstract gaps(): ReadonlyMap<string, readonly SequenceRange[]>;

  /** Forgets gaps that the broker has acknowledged to have been told. */
  abstract forgetGaps(entity: string, ranges: readonly SequenceRange[]): void;

  /**
   * The dead letters by position, oldest first, read as they are asked for.
   * @param after only those with a larger position. @default all
   * @throws {QueueUnavailableError} the store cannot be read.
   */
  abstract deadLetters(after?: number): Iterable<DeadLetter>;

  /**
   * Puts a dead letter back into the queue: same id and sequence, a new position at the end, and room made for it as for a
   * new message. Resolves when that is committed; `false` when there is no such dead letter, or its record is damaged.
   * @throws {QueueFullError} the overflow policy found nothing that may be dropped; it stays a dead letter.
   * @throws {QueueUnavailableError} the store cannot be written just now.
   * @throws {StoppingError} the queue is closing.
   */
  abstract retryDeadLetter(position: number): Promise<boolean>;

  /**
   * Forgets a dead letter for good; it becomes a gap. Resolves and throws like `retryDeadLetter()`, but takes no room.
   */
  abstract discardDeadLetter(position: number): Promise<boolean>;

  /** Resolves when everything asked for so far is committed, or cannot be. */
  abstract settled(): Promise<void>;

  /**
   * Refuses new messages, finishes the commits and closes the store; takes no longer than the commit under way. Safe to
   * call twice, and during `open()`, which then rejects.
   */
  abstract close(): Promise<void>;
}

import type { SequenceRange } from '../wire/sequence-ranges.js';
import type { Lane } from '../wire/lanes.js';
import type { AcceptedMessage, QueuedMessage } from './message.js';
import type { DeadLetter, QueueIdentity } from './sync-queue.js';

/** Given ids remembered: repeats come soon after a first try that got no answer, and this many take about 20 MiB. */
export const MAX_ACCEPTED_IDS = 100_000;

/** Names one stored message; known even when its record is damaged. */
export interface MessageKey {
  /** Number of its entity type in this store. */
  readonly type: number;
  readonly position: number;
  readonly sequence: number;
}

/** What is kept of one entity type, also while it has no messages. */
export interface TypeRecord {
  readonly entity: string;
  readonly number: number;
  /** The newest sequence given. */
  readonly sequence: number;
  /** Position of the newest message; 0 when there was none. */
  readonly lastPosition: number;
  readonly lane: Lane;
  /** Messages stored, and the bytes of their payloads. */
  readonly messages: number;
  readonly bytes: number;
}

/** A stored record: the message, or what is left of it. */
export type StoredRecord =
  | { readonly key: MessageKey; readonly message: QueuedMessage }
  | { readonly key: MessageKey; readonly message: undefined; readonly raw: Buffer };

/** A dead letter as it is stored. */
export interface StoredDeadLetter {
  readonly key: MessageKey;
  readonly letter: DeadLetter;
  /** The record as it was found, when it was damaged. */
  readonly raw: Buffer | undefined;
}

/** A message with the key it is stored under. */
export interface KeyedMessage {
  readonly key: MessageKey;
  readonly message: QueuedMessage;
}

/** A delivered message as it is kept for whoever missed it. */
export interface DeliveredMessage {
  /** Number of its entity type in this store. */
  readonly type: number;
  readonly sequence: number;
  readonly acceptedAtMs: number;
  readonly payload: Buffer;
}

/** Reads what was delivered and is kept. */
export interface DeliveredMessages {
  /** What it takes on disk. */
  readonly bytes: number;
  /** Wall clock of the oldest delivery that is kept, in milliseconds since 1970; undefined when it is empty. */
  readonly oldestAtMs: number | undefined;
  /** Those of one entity type from one sequence to another, both included, in order. */
  read(type: number, from: number, to: number, limits: ReadLimits): DeliveredMessage[];
  /** A sequence before which nothing that is kept was accepted at `timeMs` or later. */
  sequenceSince(type: number, timeMs: number, newest: number): number;
}

/** Everything that becomes true at once, or not at all. */
export interface StoreCommit {
  readonly messages: readonly KeyedMessage[];
  readonly removed: readonly MessageKey[];
  /** Those of the removed ones that were delivered and are to be kept, if the store keeps any. */
  readonly delivered: readonly DeliveredMessage[];
  readonly types: readonly TypeRecord[];
  /** All gaps of an entity type; an empty list forgets them. */
  readonly gaps: ReadonlyMap<string, readonly SequenceRange[]>;
  readonly deadLetters: readonly StoredDeadLetter[];
  readonly removedDeadLetters: readonly MessageKey[];
  /** Accepted messages whose id was given, so that a repeat is recognised. */
  readonly acceptedIds: readonly AcceptedMessage[];
}

/** What a store holds when it is opened. */
export interface StoreContents {
  /** Undefined: the store is new. */
  readonly identity: QueueIdentity | undefined;
  /** No epoch up to this one may be used again; 0 when none is known. */
  readonly latestEpoch: number;
  readonly types: readonly TypeRecord[];
  readonly gaps: ReadonlyMap<string, readonly SequenceRange[]>;
  readonly deadLetters: number;
  /** Damaged stores that were set aside and still lie beside this one. */
  readonly storesAside: number;
}

/** How much one read may bring into memory; the first record is always read. */
export interface ReadLimits {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Where a queue keeps what it holds: the port between the queue's rules, which are the same for every store, and the
 * medium.
 *
 * Reads are synchronous and see what was committed; none goes on beyond its call, so that the store can close at any time. There is never more than one `commit()` at a time.
 */
export interface MessageStore {
  readonly durable: boolean;
  /** What was delivered and is kept; undefined when nothing is, or the store is not open. */
  readonly journal: DeliveredMessages | undefined;

  /**
   * @throws {QueueLockedError} another process has it open.
   * @throws {QueueUnavailableError} it cannot be used; `open()` may be called again.
   */
  open(): Promise<StoreContents>;

  /**
   * Begins a new life with no entity types, gaps and ids; only while no messages are stored.
   * @throws {QueueUnavailableError} it cannot be written; close it, and begin with `open()` again.
   */
  begin(identity: QueueIdentity): Promise<void>;

  /** Resolves when the commit is safe; rejects when nothing of it was stored. */
  commit(commit: StoreCommit): Promise<void>;

  /** After a failed commit: gives up what was kept so that removals can still be stored. */
  releaseReserve(): Promise<void>;

  /** Makes sure that removals can be stored whatever happens; rejects when there is no room for that. */
  ensureReserve(): Promise<void>;

  /** Records of one entity type by position: those after `after`, up to and including `upTo`. */
  read(type: number, after: number, upTo: number, limits: ReadLimits): StoredRecord[];

  has(key: MessageKey): boolean;

  /** Keys of the messages of one entity type by position, after `after`. */
  keysAfter(type: number, after: number, limit: number): MessageKey[];

  /** Keys of the dead letters of all entity types by position, after `after`. */
  deadLetterKeysAfter(after: number, limit: number): MessageKey[];

  /** What was accepted under a given id, if it is still remembered. */
  acceptedUnder(messageId: string): AcceptedMessage | undefined;

  /** Dead letters by position, after `after`. */
  deadLettersAfter(after: number, limit: number): StoredDeadLetter[];

  deadLetterAt(position: number): StoredDeadLetter | undefined;

  /** Nobody needs what `open()` is doing any more: if it takes time it rejects instead. `close()` comes after that. */
  abandonOpening(): void;

  /** Closes in good order; safe to call when `open()` failed. */
  close(): Promise<void>;
}

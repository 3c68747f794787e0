import type { StreamId } from '../../wire/incoming-change.js';
import type { ParkedMessage } from './inbox.js';
import type { StreamRecord } from './stream.js';

/** The change of one key that was handled last. */
export interface LastHandled {
  readonly epoch: number;
  readonly sequence: number;
  /** Of the `HandledRecord` that it comes from. */
  readonly order: number;
}

/** One handled change, as it is remembered until it is one of too many, or too old. */
export interface HandledRecord {
  /** Rises by one or more. */
  readonly order: number;
  /** Wall clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** Its vessel and message id; undefined when it has no id, or the id was known. */
  readonly idName: string | undefined;
  /** Its vessel, entity type and key; undefined when it was not the newest of its key. */
  readonly keyName: string | undefined;
}

/** Everything that becomes true at once, or not at all. */
export interface InboxCommit {
  readonly handled: readonly HandledRecord[];
  /** The newest of each key in `handled`, by its name. */
  readonly lasts: ReadonlyMap<string, LastHandled>;
  /** What is forgotten: the oldest. */
  readonly forgotten: readonly HandledRecord[];
  readonly streams: readonly StreamRecord[];
  readonly removedStreams: readonly StreamId[];
  readonly parked: readonly ParkedMessage[];
  readonly unparked: readonly number[];
  /** Positions up to this one were given to parked messages. */
  readonly lastPosition: number;
}

/** A parked message without what makes it large. */
export type ParkedEntry = Pick<ParkedMessage, 'position'> & { readonly bytes: number };

/** What a store holds when it is opened. */
export interface InboxContents {
  readonly streams: readonly StreamRecord[];
  /** Handled changes remembered, and the order of the newest; 0 when there is none. */
  readonly handled: number;
  readonly lastOrder: number;
  /** Oldest first. */
  readonly parked: readonly ParkedEntry[];
  readonly lastPosition: number;
}

/**
 * Where an inbox keeps what it knows: the port between its rules, which are the same for every store, and the medium.
 *
 * Reads are synchronous and see what was committed. There is never more than one `commit()` at a time.
 */
export interface InboxStore {
  readonly durable: boolean;

  /**
   * @throws {QueueLockedError} another process has it open.
   * @throws {QueueUnavailableError} it cannot be used; `open()` may be called again.
   */
  open(): Promise<InboxContents>;

  hasId(name: string): boolean;

  /** The last of the ids whose names begin so, by the order of their bytes; undefined when there is none. */
  lastId(beginning: string): string | undefined;

  lastHandled(name: string): LastHandled | undefined;

  /** What was handled the longest ago, by order. */
  oldestHandled(limit: number): HandledRecord[];

  parkedAt(position: number): ParkedMessage | undefined;

  /** Resolves when the commit is safe; rejects when nothing of it was stored. */
  commit(commit: InboxCommit): Promise<void>;

  /** Nobody needs what `open()` is doing any more: if it takes time it rejects instead. `close()` comes after that. */
  abandonOpening(): void;

  /** Closes in good order; safe to call when `open()` failed. */
  close(): Promise<void>;
}

import type { IncomingChange, StreamId } from '../../wire/incoming-change.js';
import type { Range, SequenceRange } from '../../wire/sequence-ranges.js';

export { type Range } from '../../wire/sequence-ranges.js';

/** What the inbox remembers of a change; an `IncomingChange` is one. */
export type ChangeIdentity = Pick<
  IncomingChange,
  'messageId' | 'vesselId' | 'epoch' | 'sequence' | 'asOf' | 'entity' | 'key' | 'retained' | 'replayed'
>;

/** What an inbox knows a change by. */
export interface ChangeNames {
  /** Undefined: it has no message id. */
  readonly id: string | undefined;
  readonly key: string;
}

/** What has become of one stream on this side. The numbers from `first` to `highest` are handled, lost or missing. */
export interface StreamAccount extends StreamId {
  /**
   * The first number that is expected here: what comes before it is not missing. Undefined while only retained or
   * replayed changes, or losses, are known of the stream: they do not say from where on this side listens.
   */
  readonly first: number | undefined;
  /** The highest sequence that was handled, or told as lost. */
  readonly highest: number;
  /** Handled, parked ones included. */
  readonly handled: number;
  /** Never coming, as the sender has told; of very many ranges the newest. */
  readonly lost: readonly SequenceRange[];
  /** All numbers told as lost, also those whose range is no longer kept. */
  readonly lostCount: number;
  /** Not here yet. */
  readonly missing: readonly Range[];
  /** Numbers that were missing and are no longer followed, because there were too many holes, or the epoch is too old. */
  readonly untracked: number;
}

/**
 * Why a message is parked. `topic_mismatch`: its envelope speaks for another vessel or entity type than its topic.
 * `damaged`: its record in the store is, and the payload is the record as it was found.
 */
export const PARK_REASONS = [
  'handler_failed',
  'handler_timed_out',
  'not_parsable',
  'topic_mismatch',
  'damaged',
] as const;
export type ParkReason = (typeof PARK_REASONS)[number];

/** An incoming message that is set aside because its handler kept failing, or because nobody can read or believe it. */
export interface ParkedMessage {
  /** Names it; rises with time. */
  readonly position: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retained: boolean;
  /** Undefined when the message could not be parsed, or is not what it says. */
  readonly identity: ChangeIdentity | undefined;
  readonly reason: ParkReason;
  /** What the last try said, shortened; no payload. */
  readonly error: string;
  readonly attempts: number;
  /** Wall clock, in milliseconds since 1970. */
  readonly parkedAtMs: number;
}

/** A message to be parked. */
export type ParkedDraft = Omit<ParkedMessage, 'position' | 'parkedAtMs'>;

/** What an inbox tells once it is committed. It must not throw. */
export interface InboxObserver {
  /**
   * A later change has left a hole: these numbers are missing, but for those that are settled already. Told again
   * when the inbox opens.
   */
  missing(stream: StreamId, range: Range): void;
  /** The sender says that these numbers will never come; they were not known to be lost before. */
  lost(stream: StreamId, ranges: readonly SequenceRange[]): void;
  /** A parked message had to make room for a newer one, and is forgotten. */
  parkedDiscarded(message: ParkedMessage): void;
}

/** Numbers of the inbox, cheap enough for every scrape. */
export interface InboxStats {
  /** Changes remembered by their message id. */
  readonly ids: number;
  readonly parked: number;
  /** Bytes of the payloads of the parked messages. */
  readonly parkedBytes: number;
  /** Sequence numbers not here yet, over all streams. */
  readonly missing: number;
  /** Sequence numbers told as lost, over all streams. */
  readonly lost: number;
}

/**
 * What this side remembers of incoming changes, so that each is handled effectively once: contract and injection token.
 *
 * It knows message ids, bounded by age and number, and per stream every sequence ever handled, as ranges, which never
 * expires: an old retained copy is recognised years later. What is recorded here is on disk when the promise resolves,
 * with the default store; calls are grouped into commits.
 *
 * Reads are synchronous and see everything that was recorded, committed or not. Before `open()` and while the store cannot
 * be read they throw `QueueUnavailableError`, after `close()` `StoppingError`; so do the calls that record.
 */
export abstract class Inbox {
  /** Whether what is recorded survives the process. */
  abstract readonly durable: boolean;

  /** Who is told what happens; before `open()`. */
  abstract observe(observer: InboxObserver): void;

  /**
   * Opens or creates the store.
   * @throws {QueueLockedError} another process has the folder open.
   * @throws {QueueUnavailableError} the folder cannot be used; `open()` may be called again.
   */
  abstract open(): Promise<void>;

  /**
   * Whether the change was handled before, by its id or by its place in its stream.
   * @param names as `namesOf()` makes them, where they are at hand; so in other calls.
   */
  abstract isKnown(change: ChangeIdentity, names?: ChangeNames): boolean;

  /**
   * Whether a newer change of the same vessel, entity type and key was handled before; of the state of an entity, which
   * has no sequence: one that came after it was read.
   */
  abstract isStale(change: ChangeIdentity, names?: ChangeNames): boolean;

  /**
   * Records that the handler has succeeded; resolves when that is safe. The promise is the same for all changes of one
   * commit. A change that has neither a message id nor a place in a stream leaves nothing to record.
   * @throws {QueueUnavailableError} the store cannot take it just now: do not acknowledge.
   */
  abstract recordHandled(change: ChangeIdentity, names?: ChangeNames): Promise<void>;

  /** Sets a message aside and records it as handled, in one commit. Resolves and throws like `recordHandled()`. */
  abstract park(draft: ParkedDraft): Promise<void>;

  /**
   * Records what the sender says will never come. Numbers handled before stay handled.
   * @returns how many numbers were not known to be lost before. Resolves and throws like `recordHandled()`.
   */
  abstract recordLost(stream: StreamId, ranges: readonly SequenceRange[]): Promise<number>;

  /** The account of one stream; undefined when nothing of it was ever recorded. */
  abstract account(stream: StreamId): StreamAccount | undefined;

  /**
   * Every stream, the newest epoch of each vessel and entity type last.
   * @param which `with_gaps`: in no order, and those without a missing or lost number may be left out.
   */
  abstract accounts(which?: 'with_gaps'): Iterable<StreamAccount>;

  /** Parked messages by position, oldest first. @param after only those with a larger position. */
  abstract parked(after?: number): Iterable<ParkedMessage>;

  /** Forgets a parked message for good, after it was handled or given up; `false` when there is none. */
  abstract removeParked(position: number): Promise<boolean>;

  abstract stats(): InboxStats;

  /** Finishes the commits and closes the store; safe to call twice. */
  abstract close(): Promise<void>;
}

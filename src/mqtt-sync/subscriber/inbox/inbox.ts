import { type IncomingChange, type StreamId } from '../../wire/incoming-change.js';
import { type SequenceRange } from '../../wire/sequence-ranges.js';

/** What the inbox remembers of a change; an `IncomingChange` is one. */
export type ChangeIdentity = Pick<IncomingChange, 'messageId' | 'vesselId' | 'epoch' | 'sequence' | 'entity' | 'key'>;

/** Sequence numbers from `from` to `to`, both included. */
export type Range = Pick<SequenceRange, 'from' | 'to'>;

/** What has become of one stream on this side. The numbers from 1 to `highest` are handled, lost or missing. */
export interface StreamAccount extends StreamId {
  /** The highest sequence that was handled, or told as lost. */
  readonly highest: number;
  /** Handled, parked ones included. */
  readonly handled: number;
  /** Never coming, as the sender has told. */
  readonly lost: readonly SequenceRange[];
  /** Not here yet. */
  readonly missing: readonly Range[];
}

/** An incoming message that is set aside because its handler kept failing, or because nobody can read it. */
export interface ParkedMessage {
  /** Names it; rises with time. */
  readonly position: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retained: boolean;
  /** Undefined when the message could not be parsed. */
  readonly identity: ChangeIdentity | undefined;
  /** Short and stable: `handler_failed`, `handler_timed_out`, `not_parsable`. */
  readonly reason: 'handler_failed' | 'handler_timed_out' | 'not_parsable';
  /** What the last try said, shortened; no payload. */
  readonly error: string;
  readonly attempts: number;
  /** Wall clock, in milliseconds since 1970. */
  readonly parkedAtMs: number;
}

/** A message to be parked. */
export type ParkedDraft = Omit<ParkedMessage, 'position' | 'parkedAtMs'>;

/** Numbers of the inbox, cheap enough for every scrape. */
export interface InboxStats {
  /** Message ids remembered. */
  readonly ids: number;
  readonly parked: number;
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
 * Reads are synchronous and see everything that was recorded, committed or not.
 */
export abstract class Inbox {
  /** Whether what is recorded survives the process. */
  abstract readonly durable: boolean;

  /**
   * Opens or creates the store.
   * @throws {QueueLockedError} another process has the folder open.
   * @throws {QueueUnavailableError} the folder cannot be used; `open()` may be called again.
   */
  abstract open(): Promise<void>;

  /** Whether the change was handled before, by its id or by its place in its stream. */
  abstract isKnown(change: ChangeIdentity): boolean;

  /** Whether a newer change of the same vessel, entity type and key was handled before. */
  abstract isStale(change: ChangeIdentity): boolean;

  /**
   * Records that the handler has succeeded; resolves when that is safe.
   * @throws {QueueUnavailableError} the store cannot take it just now: do not acknowledge.
   */
  abstract recordHandled(change: ChangeIdentity): Promise<void>;

  /** Sets a message aside and records it as handled, in one commit. Resolves and throws like `recordHandled()`. */
  abstract park(draft: ParkedDraft): Promise<void>;

  /**
   * Records what the sender says will never come. Numbers handled before stay handled.
   * @returns how many numbers were not known to be lost before. Resolves and throws like `recordHandled()`.
   */
  abstract recordLost(stream: StreamId, ranges: readonly SequenceRange[]): Promise<number>;

  /** The account of one stream; undefined when nothing of it was ever recorded. */
  abstract account(stream: StreamId): StreamAccount | undefined;

  /** Every stream, the newest epoch of each vessel and entity type last. */
  abstract accounts(): Iterable<StreamAccount>;

  /** Parked messages by position, oldest first. @param after only those with a larger position. */
  abstract parked(after?: number): Iterable<ParkedMessage>;

  /** Forgets a parked message for good, after it was handled or given up; `false` when there is none. */
  abstract removeParked(position: number): Promise<boolean>;

  abstract stats(): InboxStats;

  /** Finishes the commits and closes the store; safe to call twice. */
  abstract close(): Promise<void>;
}

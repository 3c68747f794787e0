import type { SequenceRange } from '../wire/sequence-ranges.js';
import type { Span } from '../wire/spans.js';

/** A delivered message that is kept for whoever missed it. */
export interface PastMessage {
  readonly sequence: number;
  readonly payload: Buffer;
}

/** How much one read may bring into memory; the first message is always read. */
export interface HistoryLimits {
  readonly records: number;
  readonly bytes: number;
}

/** What is kept of delivered messages. */
export interface HistoryStats {
  /** What they take on disk. */
  readonly bytes: number;
  /** When the oldest of them was delivered, in milliseconds since 1970; undefined when there is none. */
  readonly oldestAtMs: number | undefined;
}

/** What a queue knows of the changes that it was given in the current epoch, so that they can be sent again. */
export interface QueueHistory {
  /** Whether delivered messages are kept at all. */
  readonly keeps: boolean;
  stats(): HistoryStats;
  /** Resolves when everything that was delivered so far is kept, or cannot be; under load that can take its time. */
  settled(): Promise<void>;
  /** The newest sequence given to a change of the entity type; 0 when there was none. */
  newest(entity: string): number;
  /** Delivered messages that are kept, from one sequence to another, both included, in order. */
  delivered(entity: string, span: Span, limits: HistoryLimits): readonly PastMessage[];
  /** A sequence before which nothing that is kept was accepted at `timeMs` or later. */
  sequenceSince(entity: string, timeMs: number): number;
  /**
   * The numbers of a span that are still in the queue, or set aside as dead letters; looked up over several turns of the
   * event loop.
   * @throws {StoppingError} the queue is closed, or was closed meanwhile.
   */
  undelivered(entity: string, span: Span): Promise<ReadonlySet<number>>;
  /** Numbers that will never come, as far as that is still known, in order. */
  losses(entity: string): readonly SequenceRange[];
}

/** Of a queue that is not open. */
export const NO_HISTORY: QueueHistory = {
  keeps: false,
  stats: () => ({ bytes: 0, oldestAtMs: undefined }),
  settled: () => Promise.resolve(),
  newest: () => 0,
  delivered: () => [],
  sequenceSince: () => 1,
  undelivered: () => Promise.resolve(new Set()),
  losses: () => [],
};

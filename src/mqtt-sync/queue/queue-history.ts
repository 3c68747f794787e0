import { type SequenceRange } from '../wire/sequence-ranges.js';
import { type Span, subtractSpans } from '../wire/spans.js';
import { type EntityStream } from './entity-stream.js';
import { type EntityStreams } from './entity-streams.js';
import { type DeliveredMessage, type MessageStore, type ReadLimits } from './message-store.js';

/** Stored messages looked at in one turn of the event loop. */
const SEQUENCES_PER_TURN = 2000;

/** A delivered message that is kept for whoever missed it. */
export type PastMessage = Pick<DeliveredMessage, 'sequence' | 'payload'>;

/** What is kept of delivered messages. */
export interface HistoryStats {
  /** Whether delivered messages are kept at all. */
  readonly keeps: boolean;
  /** What they take on disk. */
  readonly bytes: number;
  /** When the oldest of them was delivered, in milliseconds since 1970; undefined when there is none. */
  readonly oldestAtMs: number | undefined;
}

/** What a queue knows of the changes that it was given in the current epoch, so that they can be sent again. */
export interface QueueHistory {
  stats(): HistoryStats;
  /** The newest sequence given to a change of the entity type; 0 when there was none. */
  newest(entity: string): number;
  /** Delivered messages that are kept, from one sequence to another, both included, in order. */
  delivered(entity: string, span: Span, limits: ReadLimits): readonly PastMessage[];
  /** A sequence before which nothing that is kept was accepted at `timeMs` or later. */
  sequenceSince(entity: string, timeMs: number): number;
  /** The numbers of a span that are still in the queue, or set aside as dead letters. */
  undelivered(entity: string, span: Span): Promise<ReadonlySet<number>>;
  /** Numbers that will never come, as far as that is still known, in order. */
  losses(entity: string): readonly SequenceRange[];
}

/** Of a queue that is not open. */
export const NO_HISTORY: QueueHistory = {
  stats: () => ({ keeps: false, bytes: 0, oldestAtMs: undefined }),
  newest: () => 0,
  delivered: () => [],
  sequenceSince: () => 1,
  undelivered: () => Promise.resolve(new Set()),
  losses: () => [],
};

/** The history of a queue on any store. */
export class StoredHistory implements QueueHistory {
  constructor(
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
  ) {}

  stats(): HistoryStats {
    const { journal } = this.store;
    return { keeps: journal !== undefined, bytes: journal?.bytes ?? 0, oldestAtMs: journal?.oldestAtMs };
  }

  newest(entity: string): number {
    return this.streams.get(entity)?.sequence ?? 0;
  }

  delivered(entity: string, { from, to }: Span, limits: ReadLimits): readonly PastMessage[] {
    const stream = this.streams.get(entity);
    return (stream && this.store.journal?.read(stream.number, from, to, limits)) ?? [];
  }

  sequenceSince(entity: string, timeMs: number): number {
    const stream = this.streams.get(entity);
    return (stream && this.store.journal?.sequenceSince(stream.number, timeMs, stream.sequence)) ?? 1;
  }

  async undelivered(entity: string, { from, to }: Span): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    const stream = this.streams.get(entity);
    if (!stream || this.isEmpty(stream)) return found;
    let seen = 0;
    for (const sequence of this.store.sequencesOf(stream.number)) {
      if (sequence >= from && sequence <= to) found.add(sequence);
      if (++seen % SEQUENCES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return found;
  }

  losses(entity: string): readonly SequenceRange[] {
    const stream = this.streams.get(entity);
    if (!stream) return [];
    const lately = stream.lost.toArray();
    const before = stream.gaps
      .toArray()
      .flatMap(({ reason, ...span }) => subtractSpans([span], lately).map((rest) => ({ ...rest, reason })));
    return [...before, ...lately].sort((a, b) => a.from - b.from);
  }

  private isEmpty(stream: EntityStream): boolean {
    return stream.stored.messages === 0 && this.streams.deadLetters === 0;
  }
}

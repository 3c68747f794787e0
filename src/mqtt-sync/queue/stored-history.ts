import type { SequenceRange } from '../wire/sequence-ranges.js';
import { type Span, subtractSpans } from '../wire/spans.js';
import type { EntityStream } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageStore } from './message-store.js';
import type { HistoryLimits, HistoryStats, PastMessage, QueueHistory } from './queue-history.js';

/** Stored messages looked at in one turn of the event loop. */
const SEQUENCES_PER_TURN = 2000;

/** The history of a queue on any store. */
export class StoredHistory implements QueueHistory {
  constructor(
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
    readonly settled: () => Promise<void>,
  ) {}

  get keeps(): boolean {
    return this.store.journal !== undefined;
  }

  stats(): HistoryStats {
    const { journal } = this.store;
    return { bytes: journal?.bytes ?? 0, oldestAtMs: journal?.oldestAtMs };
  }

  newest(entity: string): number {
    return this.streams.get(entity)?.sequence ?? 0;
  }

  delivered(entity: string, { from, to }: Span, limits: HistoryLimits): readonly PastMessage[] {
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

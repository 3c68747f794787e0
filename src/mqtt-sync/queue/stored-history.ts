import { StoppingError } from '../errors.js';
import type { SequenceRange } from '../wire/sequence-ranges.js';
import { type Span, subtractSpans } from '../wire/spans.js';
import type { EntityStream } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageKey, MessageStore } from './message-store.js';
import type { HistoryLimits, HistoryStats, PastMessage, QueueHistory } from './queue-history.js';

/** Stored messages looked at in one turn of the event loop. */
const KEYS_PER_TURN = 2000;

/** Keys by position, after a position. */
type ReadKeys = (after: number) => readonly MessageKey[];

/** The history of a queue on any store. */
export class StoredHistory implements QueueHistory {
  constructor(
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
    readonly settled: () => Promise<void>,
    private readonly isClosed: () => boolean,
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
    this.assertOpen();
    const found = new Set<number>();
    const stream = this.streams.get(entity);
    if (!stream || this.isEmpty(stream)) return found;
    const see = ({ type, sequence }: MessageKey) => {
      if (type === stream.number && sequence >= from && sequence <= to) found.add(sequence);
    };
    const messages: ReadKeys = (after) => this.store.keysAfter(stream.number, after, KEYS_PER_TURN);
    const last = await this.inTurns(messages, -1, see);
    await this.inTurns((after) => this.store.deadLetterKeysAfter(after, KEYS_PER_TURN), -1, see);
    // A dead letter that came back meanwhile lies behind what was looked at.
    await this.inTurns(messages, last, see);
    return found;
  }

  /**
   * Looks at keys, so many in one turn of the event loop.
   * @returns the last position.
   */
  private async inTurns(read: ReadKeys, after: number, see: (key: MessageKey) => void): Promise<number> {
    for (let last = after; ;) {
      const keys = read(last);
      keys.forEach(see);
      last = keys.at(-1)?.position ?? last;
      if (keys.length < KEYS_PER_TURN) return last;
      await new Promise((resolve) => setImmediate(resolve));
      this.assertOpen();
    }
  }

  private assertOpen(): void {
    if (this.isClosed()) throw new StoppingError('The queue is closed: what is undelivered cannot be told.');
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

import type { SequenceRange } from '../wire/sequence-ranges.js';
import type { EntityStream } from './entity-stream.js';
import { earlierOf, type EntityStreams } from './entity-streams.js';
import type { GroupCommitter } from './group-committer.js';
import { listMessages } from './message-listing.js';
import type { MessageKey, MessageStore, ReadLimits, StoredRecord } from './message-store.js';
import type { AcceptedMessage, QueuedMessage } from './message.js';
import { UNAVAILABLE } from './reasons.js';
import type { QueueLimits } from './room-maker.js';
import type { MessageFate, MessageSelection, QueueStats } from './sync-queue.js';

/** What the answers are made of. */
export interface QueueViewParts {
  readonly streams: EntityStreams;
  readonly store: MessageStore;
  readonly committer: Pick<GroupCommitter, 'unavailable' | 'plan' | 'fail'>;
  readonly limits: QueueLimits;
  /** What became of messages that have left, by position, until that is stored. */
  readonly departed: ReadonlyMap<number, MessageFate>;
  /** Damaged stores that lie beside this one. */
  readonly storesAside: number;
  readonly isClosed: () => boolean;
}

/** What can be asked of an open queue; nothing of it changes a message. */
export class QueueView {
  constructor(private readonly parts: QueueViewParts) {}

  stats(): QueueStats {
    const { streams, committer, limits, storesAside, isClosed } = this.parts;
    // Before the volume: it reads the head of a type, and may find that messages are missing.
    const lanes = streams.laneStats();
    const { messages, bytes } = streams.volume;
    const { critical, normal, bulk } = lanes;
    const oldestUrgentMs = earlierOf(critical.oldestAcceptedAtMs, normal.oldestAcceptedAtMs);
    return {
      messages,
      bytes,
      maxMessages: limits.maxMessages,
      maxBytes: limits.maxBytes,
      lanes,
      oldestAcceptedAtMs: earlierOf(oldestUrgentMs, bulk.oldestAcceptedAtMs),
      deadLetters: streams.deadLetters,
      untoldGaps: streams.untoldGaps,
      storesAside,
      available: !committer.unavailable && !isClosed(),
      unavailableReason: committer.unavailable?.message ?? (isClosed() ? UNAVAILABLE.closed : undefined),
    };
  }

  /** Position of the message that was accepted last. */
  get newestPosition(): number {
    return this.parts.streams.nextPosition - 1;
  }

  gaps(): ReadonlyMap<string, readonly SequenceRange[]> {
    const gaps = new Map<string, readonly SequenceRange[]>();
    for (const stream of this.parts.streams) {
      if (!stream.gaps.isEmpty) gaps.set(stream.entity, stream.gaps.toArray());
    }
    return gaps;
  }

  fateOf({ entity, sequence, ...accepted }: Pick<AcceptedMessage, 'entity' | 'position' | 'sequence'>): MessageFate {
    const { streams, departed } = this.parts;
    const stream = streams.get(entity);
    if (!stream) return 'left';
    const position = stream.retried.positionNow(sequence, accepted.position);
    if (stream.isTaken(position) || this.isBeingDropped(stream, position)) return 'waiting';
    const departure = departed.get(position);
    if (departure) return departure;
    const loss = stream.lossOf(sequence);
    if (loss) return loss === 'dropped' ? 'dropped' : 'dead_lettered';
    // Nobody may take a message for delivered because the store cannot be asked just now.
    return this.storedFate(stream, { type: stream.number, position, sequence }) ?? 'waiting';
  }

  /** What the store tells of a message; undefined when it cannot be read. */
  private storedFate(stream: EntityStream, key: MessageKey): MessageFate | undefined {
    const { store, streams } = this.parts;
    const { position } = key;
    const isUntaken = stream.isUntaken(position);
    if (!isUntaken && streams.deadLetters === 0) return 'left';
    return this.reading(() => {
      if (isUntaken && store.has(key)) return 'waiting';
      return store.deadLetterAt(position) ? 'dead_lettered' : 'left';
    });
  }

  /** @throws {QueueUnavailableError} while it is iterated: the store cannot be read. */
  messages(selection: MessageSelection): Iterable<QueuedMessage> {
    return listMessages(this.parts.streams, selection, {
      read: (stream, after, upTo, limits) => {
        const records = this.read(stream, after, upTo, limits);
        const { unavailable } = this.parts.committer;
        if (!records && unavailable) throw unavailable;
        return records ?? [];
      },
      holds: (stream, position) => this.holds(stream, position),
    });
  }

  /** The stored messages of one entity type after a position, up to another; undefined when they cannot be read just now. */
  read({ number }: EntityStream, after: number, upTo: number, limits: ReadLimits): readonly StoredRecord[] | undefined {
    return this.reading(() => this.parts.store.read(number, after, upTo, limits));
  }

  private holds(stream: EntityStream, position: number): boolean {
    return stream.isTaken(position) || this.isBeingDropped(stream, position) || stream.isUntaken(position);
  }

  private isBeingDropped(stream: EntityStream, position: number): boolean {
    const change = this.parts.committer.plan?.changes.get(stream);
    return change?.victims.some((victim) => victim.position === position) ?? false;
  }

  /** Reads from the store; a failure makes the queue unavailable instead of reaching whoever asked. */
  private reading<T>(read: () => T): T | undefined {
    if (this.parts.isClosed()) return undefined;
    try {
      return read();
    } catch (error) {
      this.parts.committer.fail(error);
      return undefined;
    }
  }
}

import type { Lane } from '../wire/lanes.js';
import { SequenceRanges } from '../wire/sequence-ranges.js';
import { EntityStream, type StreamSource, type Volume } from './entity-stream.js';
import type { StoreContents } from './message-store.js';
import type { LaneStats } from './sync-queue.js';
import { HeadRoom } from './waiting-line.js';

/** The entity types of a queue, and what they share. */
export class EntityStreams {
  private readonly streams = new Map<string, EntityStream>();
  private readonly room = new HeadRoom();
  nextPosition = 1;
  deadLetters: number;

  constructor(
    readonly epoch: number,
    contents: Pick<StoreContents, 'types' | 'gaps' | 'deadLetters'>,
    private readonly sourceOf: (stream: () => EntityStream) => StreamSource,
  ) {
    this.deadLetters = contents.deadLetters;
    for (const record of contents.types) {
      const gaps = new SequenceRanges(contents.gaps.get(record.entity));
      const stream: EntityStream = new EntityStream(
        record,
        gaps,
        sourceOf(() => stream),
        this.room,
      );
      this.register(stream);
      this.nextPosition = Math.max(this.nextPosition, record.lastPosition + 1);
    }
  }

  get size(): number {
    return this.streams.size;
  }

  get(entity: string): EntityStream | undefined {
    return this.streams.get(entity);
  }

  register(stream: EntityStream): void {
    this.streams.set(stream.entity, stream);
  }

  /** A stream for an entity type that is not known yet; `register()` makes it known. */
  create(entity: string, number: number, lane: Lane): EntityStream {
    const record = { entity, number, lane, sequence: 0, lastPosition: 0, messages: 0, bytes: 0 };
    const stream: EntityStream = new EntityStream(
      record,
      new SequenceRanges(),
      this.sourceOf(() => stream),
      this.room,
    );
    return stream;
  }

  [Symbol.iterator](): Iterator<EntityStream> {
    return this.streams.values();
  }

  /** Accepted and not yet delivered, dropped or set aside. */
  get volume(): Volume {
    const total: Volume = { messages: 0, bytes: 0 };
    for (const { volume } of this) {
      total.messages += volume.messages;
      total.bytes += volume.bytes;
    }
    return total;
  }

  get untoldGaps(): number {
    let count = 0;
    for (const { gaps } of this) count += gaps.count;
    return count;
  }

  laneStats(): Record<Lane, LaneStats> {
    const lanes = { critical: emptyLane(), normal: emptyLane(), bulk: emptyLane() };
    for (const stream of this) {
      const { volume, lane } = stream;
      if (volume.messages === 0) continue;
      const stats = lanes[lane];
      stats.messages += volume.messages;
      stats.bytes += volume.bytes;
      stats.oldestAcceptedAtMs = earlierOf(stats.oldestAcceptedAtMs, stream.oldestAcceptedAtMs);
    }
    return lanes;
  }
}

/** The earlier of two times; undefined is none. */
export function earlierOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function emptyLane(): { -readonly [Field in keyof LaneStats]: LaneStats[Field] } {
  return { messages: 0, bytes: 0, oldestAcceptedAtMs: undefined };
}

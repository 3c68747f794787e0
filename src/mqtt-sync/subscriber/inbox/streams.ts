import type { StreamId } from '../../wire/incoming-change.js';
import { groupName } from './names.js';
import { Stream, type StreamRecord } from './stream.js';

/** How many streams are kept, and how much of them. */
export interface StreamLimits {
  /** Pairs of vessel and entity type; the one that is silent the longest is forgotten beyond that. */
  readonly groups: number;
  /** Epochs of one group that are followed in full; of older ones only repeats are known. */
  readonly fullEpochs: number;
  /** Epochs of one group altogether; the oldest is forgotten beyond that. */
  readonly epochs: number;
}

/** 256 vessels with 256 entity types each; a vessel begins an epoch when it loses its store. */
export const STREAM_LIMITS: StreamLimits = { groups: 65_536, fullEpochs: 8, epochs: 64 };

type GroupId = Pick<StreamId, 'vesselId' | 'entity'>;

/** All streams, by vessel and entity type, the epochs of each from the oldest to the newest. */
export class Streams {
  /** The group that was touched last is the last. */
  private readonly groups = new Map<string, readonly Stream[]>();
  /** Those with a missing or lost number, and some that changed and may have none: who asks for them takes these out. */
  private readonly gapped = new Set<Stream>();
  /** The group that was asked for last: most changes are of the same as the one before. */
  private latest: (GroupId & { readonly name: string }) | undefined;

  constructor(
    records: readonly StreamRecord[],
    private readonly limits: StreamLimits = STREAM_LIMITS,
  ) {
    for (const record of records) this.put(new Stream(record));
  }

  get(id: StreamId): Stream | undefined {
    return this.of(id).find(({ epoch }) => epoch === id.epoch);
  }

  /** The epochs of a vessel and entity type, the newest last. */
  of(id: GroupId): readonly Stream[] {
    return this.groups.get(this.nameOf(id)) ?? [];
  }

  *[Symbol.iterator](): Iterator<Stream> {
    for (const group of this.groups.values()) yield* group;
  }

  /** Those with a missing or lost number, in no order: few among many, so that health need not look at all of them. */
  *withGaps(): Iterable<Stream> {
    for (const stream of this.gapped) {
      if (stream.missingCount + stream.lostCount > 0) yield stream;
      else this.gapped.delete(stream);
    }
  }

  /** The numbers of a stream change, or are what they were before. */
  changed(stream: Stream): void {
    this.gapped.add(stream);
  }

  /** Begins a stream, as the newest of its group, but behind those that are live. */
  begin(id: StreamId): Stream {
    return this.put(Stream.begin(id, this.nextRank(id)));
  }

  /** A change has come that is neither retained nor replayed: its epoch is the newest. Returns how to take that back. */
  enliven(stream: Stream): () => void {
    const { rank } = stream;
    const order = (isLive: boolean, newRank: number) => {
      stream.order(isLive, newRank);
      this.put(stream);
    };
    order(true, this.nextRank(stream));
    return () => order(false, rank);
  }

  remove(id: StreamId): void {
    const removed = this.get(id);
    if (removed) this.gapped.delete(removed);
    const left = this.of(id).filter(({ epoch }) => epoch !== id.epoch);
    this.groups.delete(this.nameOf(id));
    if (left.length > 0) this.groups.set(this.nameOf(id), left);
  }

  /** A stream has changed: its group is the last to be forgotten. */
  touched(id: GroupId): void {
    const group = this.of(id);
    this.groups.delete(this.nameOf(id));
    if (group.length > 0) this.groups.set(this.nameOf(id), group);
  }

  /** Old epochs of a group of which no more is to be kept than what tells repeats. */
  retirable(id: GroupId): readonly Stream[] {
    return this.of(id)
      .slice(0, -this.limits.fullEpochs)
      .filter(({ isRetired }) => !isRetired);
  }

  /** What there are too many of: old epochs of a group, and groups that have been silent the longest. */
  excess(id: GroupId): readonly Stream[] {
    const excess = this.of(id).slice(0, -this.limits.epochs);
    let groups = this.groups.size;
    for (const silent of this.groups.values()) {
      if (groups-- <= this.limits.groups) break;
      excess.push(...silent);
    }
    return excess;
  }

  /** Adds a stream, or gives it its place again. */
  put(stream: Stream): Stream {
    const others = this.of(stream).filter((other) => other !== stream);
    const rankOf = ({ isLive, rank }: Stream) => (isLive ? Number.MAX_SAFE_INTEGER / 2 : 0) + rank;
    this.groups.set(
      this.nameOf(stream),
      [...others, stream].sort((a, b) => rankOf(a) - rankOf(b)),
    );
    this.changed(stream);
    return stream;
  }

  private nameOf({ vesselId, entity }: GroupId): string {
    if (this.latest?.vesselId !== vesselId || this.latest.entity !== entity)
      this.latest = { vesselId, entity, name: groupName({ vesselId, entity }) };
    return this.latest.name;
  }

  private nextRank(id: GroupId): number {
    return Math.max(-1, ...this.of(id).map(({ rank }) => rank)) + 1;
  }
}

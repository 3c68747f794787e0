import type { Clock } from '../../time/clock.js';
import type { StreamId } from '../../wire/incoming-change.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import { CachedLookups } from './cached-lookups.js';
import type { CommitGroup } from './commit-group.js';
import { HandledMemory } from './handled-memory.js';
import type { ChangeIdentity, ChangeNames, InboxObserver, InboxStats, ParkedDraft, ParkedMessage } from './inbox.js';
import { InboxCommitter } from './inbox-committer.js';
import type { InboxContents, InboxStore, LastHandled } from './inbox-store.js';
import { namesOf } from './names.js';
import { ParkedMessages } from './parked-messages.js';
import type { InboxLimits } from './inbox-limits.js';
import { MAX_RANGES, type ExpectedFrom, type Stream, type StreamRecord } from './stream.js';
import { Streams } from './streams.js';

/** What an open inbox is made of. */
export interface OpenInboxParts {
  readonly store: InboxStore;
  readonly limits: InboxLimits;
  readonly clock: Clock;
  readonly observer: InboxObserver | undefined;
  readonly committed: () => void;
  readonly failed: (error: unknown) => Error;
}

/** A change with its place in a stream. */
type Placed = ChangeIdentity & StreamId & { readonly sequence: number };

function isPlaced(change: ChangeIdentity): change is Placed {
  const { vesselId, epoch, sequence } = change;
  return vesselId !== undefined && Number.isSafeInteger(epoch) && Number.isSafeInteger(sequence) && sequence! > 0;
}

function isLive({ retained, replayed }: ChangeIdentity): boolean {
  return !retained && !replayed;
}

/** Whether the state of an entity was read before this change of it was made: it may lack it. */
function isOvertaken({ replayed, epoch, asOf }: ChangeIdentity, last: LastHandled): boolean {
  return replayed && asOf !== undefined && epoch === last.epoch && last.sequence > asOf;
}

/** An inbox while its store is open: memory is always as if everything that was asked for had been committed. */
export class OpenInbox {
  readonly committer: InboxCommitter;
  private readonly streams: Streams;
  private readonly handled: HandledMemory;
  private readonly parkedMessages: ParkedMessages;
  private readonly lookups: CachedLookups;
  private lastPosition: number;

  constructor(
    private readonly parts: OpenInboxParts,
    contents: InboxContents,
  ) {
    const { store, limits, clock } = parts;
    this.streams = new Streams(contents.streams);
    this.lookups = new CachedLookups(store);
    this.handled = new HandledMemory(contents.handled, contents.lastOrder, store, limits, clock);
    this.parkedMessages = new ParkedMessages(contents.parked, limits);
    this.lastPosition = contents.lastPosition;
    this.committer = new InboxCommitter((group) => this.commit(group), parts.failed);
  }

  isKnown(change: ChangeIdentity, { id }: ChangeNames): boolean {
    if (id !== undefined && this.knowsId(id)) return true;
    return isPlaced(change) && (this.streams.get(change)?.isHandled(change.sequence) ?? false);
  }

  isStale(change: ChangeIdentity, { key }: ChangeNames): boolean {
    if (!isPlaced(change) && change.asOf === undefined) return false;
    const last = this.lastHandled(key);
    if (!last) return false;
    if (!isPlaced(change)) return isOvertaken(change, last);
    if (last.epoch === change.epoch) return change.sequence < last.sequence;
    const epochs = this.streams.of(change);
    const stream = epochs.find(({ epoch }) => epoch === change.epoch);
    // An epoch that nobody has seen yet is the newest, unless it comes as what may be left of an old one.
    if (!stream) return !isLive(change) && (epochs.find(({ epoch }) => epoch === last.epoch)?.isLive ?? false);
    // So is one of which only a gap, a retained copy or a replay came so far: `place()` puts it last.
    if (isLive(change) && !stream.isLive) return false;
    return this.isNewer(change, last.epoch, change.epoch);
  }

  recordHandled(change: ChangeIdentity, names: ChangeNames): Promise<void> {
    this.note(change, names);
    return this.committer.whenCommitted();
  }

  park(draft: ParkedDraft): Promise<void> {
    const position = ++this.lastPosition;
    if (draft.identity) this.note(draft.identity, namesOf(draft.identity));
    const { group } = this.committer;
    group.parked.push({ ...draft, position, parkedAtMs: this.parts.clock.wallMs() });
    this.parkedMessages.add(position, draft.payload.length);
    group.onUndo(() => this.parkedMessages.remove(position));
    for (const excess of this.parkedMessages.excess()) this.discard(excess);
    return this.committer.whenCommitted();
  }

  async recordLost(id: StreamId, ranges: readonly SequenceRange[]): Promise<number> {
    const stream = this.streams.get(id) ?? this.begin(id);
    const { group } = this.committer;
    const before = stream.toRecord();
    const { added, opened } = stream.lose(ranges);
    if (added.length > 0) {
      this.touch(stream, before);
      const { observer } = this.parts;
      group.news.push(() => {
        if (opened) observer?.missing(stream, opened);
        observer?.lost(stream, added);
      });
    }
    await this.committer.whenCommitted();
    return added.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  stream(id: StreamId): Stream | undefined {
    return this.streams.get(id);
  }

  allStreams(): Iterable<Stream> {
    return this.streams;
  }

  streamsWithGaps(): Iterable<Stream> {
    return this.streams.withGaps();
  }

  *parked(after: number): Iterable<ParkedMessage> {
    for (const position of this.parkedMessages.positionsAfter(after)) {
      const message = this.parkedAt(position);
      if (message) yield message;
    }
  }

  async removeParked(position: number): Promise<boolean> {
    const isThere = this.parkedMessages.bytesOf(position) !== undefined;
    if (isThere) this.unpark(position);
    await this.committer.whenCommitted();
    return isThere;
  }

  stats(): InboxStats {
    const { handled, parkedMessages } = this;
    let [missing, lost] = [0, 0];
    for (const stream of this.streams.withGaps()) {
      missing += stream.missingCount;
      lost += stream.lostCount;
    }
    return { ids: handled.count, parked: parkedMessages.count, parkedBytes: parkedMessages.bytes, missing, lost };
  }

  private note(change: ChangeIdentity, { id, key }: ChangeNames): void {
    const newId = id !== undefined && !this.knowsId(id) ? id : undefined;
    const newestOf = isPlaced(change) && this.place(change, key) ? key : undefined;
    if (newId === undefined && newestOf === undefined) return;
    const { group } = this.committer;
    const order = this.handled.nextOrder();
    if (newId !== undefined) {
      group.ids.add(newId);
      this.lookups.idEntered(newId);
    }
    if (newestOf !== undefined) {
      const { epoch, sequence } = change as Placed;
      group.lasts.set(newestOf, { epoch, sequence, order });
    }
    group.handled.push({ order, atMs: this.parts.clock.wallMs(), idName: newId, keyName: newestOf });
  }

  /** Enters a change into its stream. Answers whether it is the newest of its key. */
  private place(change: Placed, key: string): boolean {
    const stream = this.streams.get(change) ?? this.begin(change);
    const { group } = this.committer;
    if (isLive(change) && !stream.isLive) {
      this.touch(stream);
      group.onUndo(this.streams.enliven(stream));
    }
    if (stream.isOpen(change.sequence)) {
      this.touch(stream);
      const expectedFrom = stream.isFollowed ? undefined : this.expectedFrom(stream, change);
      const opened = stream.handle(change.sequence, expectedFrom);
      if (opened) group.news.push(() => this.parts.observer?.missing(stream, opened));
    }
    const last = this.lastHandled(key);
    if (!last) return true;
    return last.epoch === change.epoch
      ? change.sequence > last.sequence
      : this.isNewer(change, change.epoch, last.epoch);
  }

  private expectedFrom(stream: Stream, change: Placed): ExpectedFrom {
    if (this.parts.limits.catchUpFrom === 'beginning') return 1;
    if (!isLive(change)) return undefined;
    // Who follows a vessel and sees it begin a new epoch has been there from its beginning.
    const follows = this.streams.of(change).some((other) => other !== stream && other.isLive);
    return follows ? 1 : 'here';
  }

  private begin(id: StreamId): Stream {
    const stream = this.streams.begin(id);
    this.touch(stream);
    this.committer.group.onUndo(() => this.streams.remove(stream));
    return stream;
  }

  /** A stream is about to change; or it has, and `before` is what it was. */
  private touch(stream: Stream, before?: StreamRecord, group = this.committer.group): void {
    this.streams.changed(stream);
    if (group.touch(stream, before)) group.onUndo(() => this.streams.changed(stream));
  }

  /** Whether one epoch of a vessel and entity type is newer than another one. */
  private isNewer(id: Pick<StreamId, 'vesselId' | 'entity'>, epoch: number, than: number): boolean {
    const epochs = this.streams.of(id).map((stream) => stream.epoch);
    return epochs.indexOf(epoch) > epochs.indexOf(than);
  }

  private knowsId(name: string): boolean {
    for (const { ids } of this.committer.uncommitted) if (ids.has(name)) return true;
    return this.lookups.hasId(name);
  }

  private lastHandled(name: string): LastHandled | undefined {
    for (const { lasts } of this.committer.uncommitted) {
      const last = lasts.get(name);
      if (last) return last;
    }
    return this.lookups.lastHandled(name);
  }

  private parkedAt(position: number): ParkedMessage | undefined {
    for (const { parked } of this.committer.uncommitted) {
      const message = parked.find((one) => one.position === position);
      if (message) return message;
    }
    return this.parts.store.parkedAt(position);
  }

  private discard(position: number): void {
    const message = this.parkedAt(position);
    this.unpark(position);
    if (message) this.committer.group.news.push(() => this.parts.observer?.parkedDiscarded(message));
  }

  private unpark(position: number): void {
    const bytes = this.parkedMessages.bytesOf(position) ?? 0;
    this.parkedMessages.remove(position);
    const { group } = this.committer;
    group.unparked.push(position);
    group.onUndo(() => this.parkedMessages.restore(position, bytes));
  }

  private async commit(group: CommitGroup): Promise<void> {
    const { handled, lasts, parked, unparked } = group;
    const removedStreams = this.trimStreams(group);
    const streams = [...group.streams.keys()].filter((stream) => !removedStreams.has(stream));
    const forgotten = this.handled.forgettable(group);
    await this.parts.store.commit({
      ...{ handled, lasts, forgotten, parked, unparked, lastPosition: this.lastPosition },
      streams: streams.map((stream) => stream.toRecord()),
      removedStreams: [...removedStreams],
    });
    this.handled.committed(handled.length, forgotten.length);
    this.lookups.committed(lasts, forgotten);
    this.parts.committed();
  }

  /** Keeps what is known of streams within bounds. Answers what is forgotten altogether. */
  private trimStreams(group: CommitGroup): ReadonlySet<Stream> {
    const removed = new Set<Stream>();
    for (const stream of [...group.streams.keys()]) {
      this.streams.touched(stream);
      if (stream.exceeds(MAX_RANGES)) stream.trim(MAX_RANGES);
      for (const old of this.streams.retirable(stream)) {
        this.touch(old, undefined, group);
        old.retire();
      }
      for (const one of this.streams.excess(stream)) {
        this.streams.remove(one);
        removed.add(one);
        group.onUndo(() => this.streams.put(one));
      }
    }
    return removed;
  }
}

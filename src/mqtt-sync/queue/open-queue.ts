import { StoppingError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { Clock } from '../time/clock.js';
import type { Lane } from '../wire/lanes.js';
import type { SequenceRange } from '../wire/sequence-ranges.js';
import { CommitFormer } from './commit-former.js';
import { CommitPlan } from './commit-plan.js';
import type { EntityStream, StreamSource } from './entity-stream.js';
import { EntityStreams } from './entity-streams.js';
import { type CommitWork, GroupCommitter } from './group-committer.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';
import type { MessageKey, MessageStore, StoreContents } from './message-store.js';
import { Outcome } from './outcome.js';
import { type Departure, PendingWork, type PurgeCall } from './pending-work.js';
import type { QueueHistory } from './queue-history.js';
import { QueueView } from './queue-view.js';
import type { QueueLimits } from './room-maker.js';
import { StoredHistory } from './stored-history.js';
import type { DeadLetter, DeadLetterVerdict, MessageFate, QueueIdentity, QueueObserver } from './sync-queue.js';

/** What an open queue is made of. */
export interface OpenQueueParts {
  readonly identity: QueueIdentity;
  readonly store: MessageStore;
  readonly limits: QueueLimits;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  readonly observer: QueueObserver | undefined;
}

/** A queue while its store is open: what changes it, and when; its `view` answers what is asked about it. */
export class OpenQueue implements CommitWork {
  readonly identity: QueueIdentity;
  readonly streams: EntityStreams;
  readonly committer: GroupCommitter;
  readonly history: QueueHistory;
  readonly view: QueueView;
  private readonly pending = new PendingWork();
  private readonly former: CommitFormer;
  private readonly outcome: Outcome;
  /** What became of messages that have left, by position, until that is stored. */
  private readonly departed = new Map<number, MessageFate>();
  private closed = false;

  constructor(
    private readonly parts: OpenQueueParts,
    contents: StoreContents,
  ) {
    const { identity, store, limits, clock, logger, observer } = parts;
    this.identity = identity;
    this.streams = new EntityStreams(identity.epoch, contents, (stream) => this.sourceOf(stream));
    const settled = () => this.committer.settled();
    this.history = new StoredHistory(this.streams, store, settled, () => this.closed);
    this.former = new CommitFormer(limits, this.pending, this.streams, store);
    this.outcome = new Outcome(limits, this.streams, this.pending, observer, logger);
    this.committer = new GroupCommitter(store, this, clock, logger);
    this.view = new QueueView({
      ...{ store, limits, streams: this.streams, committer: this.committer, departed: this.departed },
      storesAside: contents.storesAside,
      isClosed: () => this.closed,
    });
  }

  /** Sees whether the store can take messages. */
  async start(): Promise<void> {
    try {
      await this.parts.store.ensureReserve();
    } catch (error) {
      this.committer.fail(error);
    }
    if (this.isPending(true)) this.committer.wake();
  }

  accept(drafts: readonly MessageDraft[]): Promise<readonly AcceptedMessage[]> {
    const { unavailable } = this.committer;
    if (unavailable) return Promise.reject(unavailable);
    const accepting = this.pending.accept(drafts);
    this.committer.wake();
    return accepting;
  }

  take(lane: Lane, admits: (entity: string) => boolean): QueuedMessage | undefined {
    if (this.closed) return undefined;
    let first: EntityStream | undefined;
    let firstPosition = Infinity;
    for (const stream of this.streams) {
      if (stream.lane !== lane || stream.volume.messages === 0 || !admits(stream.entity)) continue;
      const message = stream.peek();
      if (!message || message.position >= firstPosition) continue;
      first = stream;
      firstPosition = message.position;
    }
    return first?.take();
  }

  putBack(messages: readonly QueuedMessage[]): void {
    for (const [stream, some] of this.byStream(messages)) stream.putBack(some);
  }

  untake(messages: readonly QueuedMessage[]): void {
    for (const [stream, some] of this.byStream(messages)) stream.untake(some);
  }

  /** A taken message leaves: delivered, or with a verdict as a dead letter. One that is not in flight is ignored. */
  depart({ entity, position }: QueuedMessage, verdict: DeadLetterVerdict | undefined): void {
    const stream = this.streams.get(entity);
    const message = stream?.endFlight(position);
    if (!stream || !message) return;
    const { sequence, payload } = message;
    const key = { type: stream.number, position, sequence };
    const letter = verdict && this.letterOf(stream, key, message, verdict);
    const isKept = !verdict && message.qos > 0 && this.parts.store.journal && !this.committer.unavailable;
    this.leave({ stream, key, bytes: payload.length, letter, raw: undefined, delivered: isKept ? message : undefined });
  }

  forgetGaps(entity: string, ranges: readonly SequenceRange[]): void {
    const stream = this.streams.get(entity);
    if (!stream) return;
    stream.gaps.remove(ranges);
    this.pending.staleGaps.add(stream);
    this.committer.wake();
  }

  callLetter(position: number, action: 'retry' | 'discard'): Promise<boolean> {
    const { unavailable } = this.committer;
    if (unavailable) return Promise.reject(unavailable);
    return new Promise((resolve, reject) => {
      this.pending.letters.push({ position, action, resolve, reject });
      this.committer.wake();
    });
  }

  /** How many one commit has dropped; 0 when nothing is left that may go. */
  callPurge(purge: Pick<PurgeCall, 'entity' | 'upTo'>): Promise<number> {
    const { unavailable } = this.committer;
    if (unavailable) return Promise.reject(unavailable);
    return new Promise((resolve, reject) => {
      this.pending.purges.push({ ...purge, resolve, reject });
      this.committer.wake();
    });
  }

  /** The store is about to close. */
  close(): void {
    this.closed = true;
    this.committer.stop();
    this.pending.refuse(new StoppingError('The queue is closed.'));
  }

  // ---- what the committer asks and tells

  form(accepting: boolean): CommitPlan | undefined {
    const plan = new CommitPlan(this.streams.nextPosition);
    const before = this.committer.unavailable;
    try {
      this.former.fill(plan, accepting);
    } catch (error) {
      this.committer.fail(error);
    }
    const failure = this.committer.unavailable;
    if (!failure || failure === before) return plan;
    // Also where a read failed without a word, as those of a stream do: its calls have been refused already.
    this.outcome.failed(plan, failure);
    return undefined;
  }

  isPending(accepting: boolean): boolean {
    if (this.streams.deadLetters > this.parts.limits.maxDeadLetters) return true;
    return accepting ? !this.pending.isEmpty : this.pending.hasUpkeep;
  }

  get canWait(): boolean {
    return this.pending.canWait && this.streams.deadLetters <= this.parts.limits.maxDeadLetters;
  }

  measured(durationMs: number): void {
    this.outcome.measured(durationMs);
  }

  succeeded(plan: CommitPlan): void {
    for (const { key } of plan.departures) this.departed.delete(key.position);
    this.outcome.succeeded(plan);
  }

  failed(plan: CommitPlan, error: Error): void {
    this.outcome.failed(plan, error);
  }

  refuseCalls(error: Error): void {
    this.pending.refuse(error);
  }

  availability(available: boolean, reason: string | undefined): void {
    this.outcome.availability(available, reason);
  }

  // ---- what streams ask and tell

  private sourceOf(stream: () => EntityStream): StreamSource {
    return {
      read: (after, upTo, limits) => this.view.read(stream(), after, upTo, limits),
      damaged: (key, raw) => {
        const verdict = { reason: 'corrupt' as const, reasonCode: undefined, attempts: 0 };
        const letter = this.letterOf(stream(), key, undefined, verdict);
        this.leave({ stream: stream(), key, bytes: raw.length, letter, raw, delivered: undefined });
      },
      missing: (count) => {
        this.parts.logger.error(
          `${count} message(s) of "${stream().entity}" cannot be found in the store, which must be damaged; they are told as a gap.`,
        );
        this.pending.staleGaps.add(stream());
        this.outcome.missing(stream(), count);
        this.committer.wake();
      },
    };
  }

  private leave(departure: Departure): void {
    const { stream, key, bytes, letter } = departure;
    this.departed.set(key.position, letter ? 'dead_lettered' : 'left');
    stream.discount(bytes);
    this.outcome.left(stream, key);
    this.pending.depart(departure);
    this.committer.wake();
  }

  private byStream(messages: readonly QueuedMessage[]): ReadonlyMap<EntityStream, readonly QueuedMessage[]> {
    const byStream = new Map<EntityStream, QueuedMessage[]>();
    for (const message of messages) {
      const stream = this.streams.get(message.entity);
      if (!stream) continue;
      const some = byStream.get(stream);
      if (some) some.push(message);
      else byStream.set(stream, [message]);
    }
    return byStream;
  }

  private letterOf(
    { entity }: EntityStream,
    { position, sequence }: MessageKey,
    message: QueuedMessage | undefined,
    verdict: DeadLetterVerdict,
  ): DeadLetter {
    const { reason, reasonCode, attempts } = verdict;
    return { entity, position, sequence, message, reason, reasonCode, attempts, deadAtMs: this.parts.clock.wallMs() };
  }
}

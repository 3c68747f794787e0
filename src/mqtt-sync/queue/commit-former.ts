import { ChangeInvalidError, EntityTypeLimitError, type QueueFullError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import { MAX_ENTITY_TYPES } from '../wire/entity-policies.js';
import type { Lane } from '../wire/lanes.js';
import type { CommitPlan } from './commit-plan.js';
import type { EntityStream } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageStore, StoredDeadLetter } from './message-store.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';
import { type AcceptCall, type LetterCall, type PendingWork, type PurgeCall, withoutPayload } from './pending-work.js';
import { type QueueLimits, RoomMaker } from './room-maker.js';
import type { DiscardReason } from './sync-queue.js';

/**
 * Bounds of one commit, so that the first caller of a crowd does not wait for the last. A commit of this size takes
 * about as long to write as several fdatasyncs, so a larger one would gain little.
 */
const MAX_COMMIT_MESSAGES = 4096;
const MAX_COMMIT_BYTES = 8 * 1024 * 1024;
/** Departures are small; after a long failure of the disk there may be as many as the queue held. */
const MAX_COMMIT_DEPARTURES = 65_536;
/** Dead letters discarded by one commit for want of room; each is read first. */
const MAX_COMMIT_DISCARDS = 256;

/** What becomes of a call: `later` when it needs the commit that is being formed to be finished first. */
type Answer = readonly AcceptedMessage[] | 'later' | Error;

/** Makes the next commit out of what was asked for. */
export class CommitFormer {
  private readonly room: RoomMaker;

  constructor(
    private readonly limits: QueueLimits,
    private readonly pending: PendingWork,
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
    private readonly logger: SyncLogger,
  ) {
    this.room = new RoomMaker(limits);
  }

  /**
   * Fills a plan with what is pending.
   * @param accepting whether calls may be answered, or only upkeep is done.
   */
  fill(plan: CommitPlan, accepting: boolean): void {
    this.planDepartures(plan, accepting);
    if (accepting && this.pending.departures.length === 0) {
      this.planLetterCalls(plan);
      this.planPurges(plan);
      this.planAccepts(plan);
    }
    this.discardExcess(plan);
    this.planGaps(plan);
  }

  /** While the store fails, what was delivered is not kept: room is for what has to be stored. */
  private planDepartures(plan: CommitPlan, keepsDelivered: boolean): void {
    const { pending } = this;
    while (pending.departures.length > 0 && plan.departures.length < MAX_COMMIT_DEPARTURES) {
      const departure = pending.nextDeparture();
      plan.depart(keepsDelivered ? departure : withoutPayload(departure));
    }
  }

  private planGaps(plan: CommitPlan): void {
    for (const stream of this.pending.staleGaps) plan.change(stream).gapsAreStale = true;
    this.pending.staleGaps.clear();
  }

  // ---- accepting

  private planAccepts(plan: CommitPlan): void {
    const { accepts } = this.pending;
    for (let call = accepts.first; call; call = accepts.first) {
      if (plan.coming.messages > 0 && exceedsBounds(plan, call)) return;
      const answer = this.tryPlanAccept(plan, call);
      if (answer === 'later') return;
      accepts.shift();
      if (answer instanceof Error) call.reject(answer);
      else plan.calls.push({ call, accepted: answer });
    }
  }

  /** What is wrong with one call is told to its caller; only a store that cannot be read concerns everybody. */
  private tryPlanAccept(plan: CommitPlan, call: AcceptCall): Answer {
    try {
      return this.planAccept(plan, call);
    } catch (error) {
      if (error instanceof UnreadableStoreError) throw error.cause;
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private planAccept(plan: CommitPlan, call: AcceptCall): Answer {
    const placement = new Placement(plan, this.streams, this.store);
    const accepted = call.drafts.map((draft) => placement.place(draft));
    if (placement.messages.length > 0) {
      const room = this.room.makeRoom(placement.messages, this.streams.volume, plan, this.streams);
      if (room !== 'made') return room satisfies 'later' | QueueFullError;
    }
    placement.commitTo(plan);
    return accepted;
  }

  // ---- dead letters

  private planLetterCalls(plan: CommitPlan): void {
    const { letters } = this.pending;
    for (let call = letters.first; call; call = letters.first) {
      // A call whose letter cannot be read stays where it is refused with the others.
      const found = this.planLetterCall(plan, call);
      letters.shift();
      plan.letterCalls.push({ call, found });
    }
  }

  private planLetterCall(plan: CommitPlan, { position, action }: LetterCall): boolean {
    const stored = this.store.deadLetterAt(position);
    if (!stored || plan.removedDeadLetters.some((key) => key.position === position)) return false;
    const { message } = stored.letter;
    if (action === 'discard') {
      this.discard(plan, stored, 'by_hand');
      return true;
    }
    const stream = this.streams.get(stored.letter.entity);
    if (!message || !stream) return false;
    plan.removedDeadLetters.push(stored.key);
    const again = { ...message, position: plan.nextPosition, lane: laneOf(stream, plan, message.lane) };
    plan.add(stream, again);
    plan.retried.push({ stream, from: position, message: again });
    return true;
  }

  private discard(plan: CommitPlan, { key, letter, raw }: StoredDeadLetter, reason: DiscardReason): void {
    plan.removedDeadLetters.push(key);
    plan.discarded.push({ letter, reason });
    const stream = this.streams.get(letter.entity);
    // A damaged record was told as a gap when it was found.
    if (stream && !raw) plan.change(stream).losses.push([key.sequence, 'discarded']);
  }

  // ---- purging

  private planPurges(plan: CommitPlan): void {
    const { purges } = this.pending;
    for (let call = purges.shift(); call; call = purges.shift()) {
      plan.purgeCalls.push({ call, count: this.planPurge(plan, call) });
    }
  }

  private planPurge(plan: CommitPlan, { entity, upTo }: PurgeCall): number {
    const streams = [...this.streams].filter((stream) => entity === undefined || stream.entity === entity);
    let count = 0;
    while (plan.going.messages < MAX_COMMIT_MESSAGES && plan.going.bytes < MAX_COMMIT_BYTES) {
      const stream = oldestOf(streams, upTo);
      const message = stream?.takeVictim();
      if (!stream || !message) break;
      plan.drop(stream, message);
      plan.purged.add(message);
      count++;
    }
    return count;
  }

  private discardExcess(plan: CommitPlan): void {
    const coming = plan.deadLetters.length - plan.removedDeadLetters.length;
    const excess = this.streams.deadLetters + coming - this.limits.maxDeadLetters;
    if (excess <= 0) return;
    const removed = new Set(plan.removedDeadLetters.map(({ position }) => position));
    const oldest = this.store
      .deadLettersAfter(-1, Math.min(excess, MAX_COMMIT_DISCARDS) + removed.size)
      .filter(({ key }) => !removed.has(key.position))
      .slice(0, excess);
    for (const stored of oldest) this.discard(plan, stored, 'too_many');
    if (oldest.length > 0) {
      this.logger.warn(
        `More dead letters than queue.maxDeadLetters (${this.limits.maxDeadLetters}): the oldest ${oldest.length} are discarded.`,
      );
    }
  }
}

/** A read of the store failed, with the cause. */
class UnreadableStoreError extends Error {}

/** Gives the drafts of one call their places; nothing of it reaches the plan before there is room. */
class Placement {
  /** Those that are new, and the stream of each. */
  readonly messages: QueuedMessage[] = [];
  private readonly streamOfEach: EntityStream[] = [];
  // Most calls have no use for these, and there may be tens of thousands a second.
  private newStreams: Map<string, EntityStream> | undefined;
  private ids: Map<string, AcceptedMessage> | undefined;

  constructor(
    private readonly plan: CommitPlan,
    private readonly streams: EntityStreams,
    private readonly store: MessageStore,
  ) {}

  /** @throws {ChangeInvalidError | EntityTypeLimitError} it has no place. @throws {UnreadableStoreError} nobody can tell. */
  place(draft: MessageDraft): AcceptedMessage {
    const known = draft.idIsGiven ? this.knownAs(draft.messageId) : undefined;
    if (known) {
      if (known.entity === draft.entity) return { ...known, repeated: true };
      throw new ChangeInvalidError(
        `The message id of the change of ${draft.entity} was used for another change, of ${known.entity}. Give each change an id of its own.`,
        { entity: draft.entity, usedFor: known.entity },
      );
    }
    const stream = this.streamOf(draft);
    const message = this.messageOf(draft, stream);
    const { messageId, sequence, entity, position } = message;
    const accepted = { messageId, sequence, entity, position, repeated: false };
    this.messages.push(message);
    this.streamOfEach.push(stream);
    if (draft.idIsGiven) (this.ids ??= new Map()).set(messageId, accepted);
    return accepted;
  }

  commitTo(plan: CommitPlan): void {
    for (const [entity, stream] of this.newStreams ?? []) plan.newStreams.set(entity, stream);
    this.messages.forEach((message, index) => plan.add(this.streamOfEach[index]!, message));
    for (const [messageId, accepted] of this.ids ?? []) plan.acceptedIds.set(messageId, accepted);
  }

  private knownAs(messageId: string): AcceptedMessage | undefined {
    const coming = this.ids?.get(messageId) ?? this.plan.acceptedIds.get(messageId);
    if (coming) return coming;
    try {
      return this.store.acceptedUnder(messageId);
    } catch (cause) {
      throw new UnreadableStoreError('unreadable', { cause });
    }
  }

  private streamOf({ entity, lane }: MessageDraft): EntityStream {
    const known = this.streams.get(entity) ?? this.plan.newStreams.get(entity) ?? this.newStreams?.get(entity);
    if (known) return known;
    const number = this.streams.size + this.plan.newStreams.size + (this.newStreams?.size ?? 0);
    if (number >= MAX_ENTITY_TYPES) {
      throw new EntityTypeLimitError(
        `"${entity}" would be one entity type more than the queue may know (${MAX_ENTITY_TYPES}). Use fewer types.`,
        { entity, limit: MAX_ENTITY_TYPES },
      );
    }
    const stream = this.streams.create(entity, number, lane);
    (this.newStreams ??= new Map()).set(entity, stream);
    return stream;
  }

  private messageOf(draft: MessageDraft, stream: EntityStream): QueuedMessage {
    const { plan } = this;
    const before = this.messages[this.streamOfEach.lastIndexOf(stream)];
    const sequence = (before?.sequence ?? plan.changes.get(stream)?.sequence ?? stream.sequence) + 1;
    const lane = before?.lane ?? laneOf(stream, plan, draft.lane);
    const { entity, operation, key, messageId, topic, qos, retain, acceptedAtMs, envelope } = draft;
    return {
      entity,
      operation,
      key,
      messageId,
      topic,
      qos,
      retain,
      acceptedAtMs,
      lane,
      sequence,
      position: plan.nextPosition + this.messages.length,
      payload: envelope.seal(this.streams.epoch, sequence),
    };
  }
}

/** A key never has messages in two lanes: while a type has messages, new ones go to the lane where those are. */
function laneOf(stream: EntityStream, plan: CommitPlan, wanted: Lane): Lane {
  const change = plan.changes.get(stream);
  if (change && change.added.length > 0) return change.lane;
  return stream.volume.messages > 0 ? stream.lane : wanted;
}

/** The stream whose first message was accepted first, of those whose first may go. */
function oldestOf(streams: readonly EntityStream[], upTo: number): EntityStream | undefined {
  let oldest: EntityStream | undefined;
  let first = upTo + 1;
  for (const stream of streams) {
    const position = stream.peekVictim()?.position ?? Infinity;
    if (position >= first) continue;
    oldest = stream;
    first = position;
  }
  return oldest;
}

function exceedsBounds({ coming }: CommitPlan, { asked }: AcceptCall): boolean {
  return coming.messages + asked.messages > MAX_COMMIT_MESSAGES || coming.bytes + asked.bytes > MAX_COMMIT_BYTES;
}

import { ChangeInvalidError, EntityTypeLimitError } from '../errors.js';
import { MAX_ENTITY_TYPES } from '../wire/entity-policies.js';
import type { Lane } from '../wire/lanes.js';
import type { CommitPlan } from './commit-plan.js';
import type { EntityStream } from './entity-stream.js';
import type { EntityStreams } from './entity-streams.js';
import type { MessageStore } from './message-store.js';
import type { AcceptedMessage, MessageDraft, QueuedMessage } from './message.js';

/** A read of the store failed, with the cause. */
export class UnreadableStoreError extends Error {}

/** Gives the drafts of one call after another their places in a plan; nothing of a call reaches it before there is room. */
export class Placement {
  /** Those of the call that are new, and the stream of each. */
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

  /** The next call; what came of the one before is in the plan, or nowhere. */
  begin(): void {
    this.messages.length = 0;
    this.streamOfEach.length = 0;
    this.newStreams = undefined;
    this.ids = undefined;
  }

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

  /** There is room: the call is part of the plan. */
  commit(): void {
    const { plan } = this;
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
export function laneOf(stream: EntityStream, plan: CommitPlan, wanted: Lane): Lane {
  const change = plan.changes.get(stream);
  if (change && change.added.length > 0) return change.lane;
  return stream.volume.messages > 0 ? stream.lane : wanted;
}

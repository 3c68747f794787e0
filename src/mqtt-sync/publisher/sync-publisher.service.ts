import { ChangeInvalidError, MqttSyncError, QueueUnavailableError, StoppingError } from '../errors.js';
import type { AcceptedMessage, MessageDraft } from '../queue/message.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import { EntityPolicies, type EntityPolicyOverrides } from '../wire/entity-policies.js';
import type { Operation } from '../wire/envelope.js';
import { Topics } from '../wire/topics.js';
import {
  assertOptions,
  type Change,
  type Draft,
  type DraftContext,
  draftKnown,
  draftMessage,
  type Moment,
  momentOf,
  type PublishOptions,
} from './change.js';
import type { DeliveryWatch } from './delivery-watch.js';
import { MessageIds } from './message-ids.js';
import { type Receipt, receiptOf, skippedReceipt } from './receipt.js';

/** What the publisher needs of the options. */
export interface PublisherOptions {
  readonly localMode: boolean;
  readonly topicPrefix: string;
  readonly maxMessageBytes: number;
  readonly entities: EntityPolicyOverrides;
  readonly vesselId: string;
}

/** What the publisher works with. */
export interface PublisherParts {
  readonly queue: SyncQueue;
  readonly watch: DeliveryWatch;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  /** Whether there is a connection just now. */
  readonly isConnected: () => boolean;
  /** Called for every message that was stored, in order. */
  readonly accepted: (position: number) => void;
}

const NO_OPTIONS: PublishOptions = {};

/**
 * Accepts changes: the one class an application needs. A resolved `publish()` means that the change is safe on disk (with
 * the default store) and will be delivered, in order, as soon as the link allows, whatever happens to the process.
 *
 * @example
 * const receipt = await publisher.publish('work_orders', 'update', order, { key: order.id });
 * await receipt.delivered({ timeoutMs: 60_000 }); // only where the caller must know
 */
export class SyncPublisher {
  private readonly policies: EntityPolicies;
  private readonly messageIds = new MessageIds();
  private known: DraftContext | undefined;
  private moment = momentOf(0);
  private stopping = false;

  constructor(
    private readonly options: PublisherOptions,
    private readonly parts: PublisherParts,
  ) {
    this.policies = new EntityPolicies(options.entities);
  }

  /** Whether the publisher has begun to refuse changes because the process stops. */
  get isStopping(): boolean {
    return this.stopping;
  }

  /**
   * Publishes one change. Calls keep their order per entity type and key, awaited or not.
   *
   * @param entity entity type, `[a-z][a-z0-9_]{0,63}`
   * @param data anything with a JSON form; serialised before the call returns
   * @throws {EntityTypeInvalidError | EntityTypeLimitError | ChangeInvalidError | ChangeNotSerialisableError | ChangeTooLargeError}
   *   the change is wrong and nothing was stored.
   * @throws {QueueFullError} the queue is full and nothing may be dropped.
   * @throws {QueueUnavailableError} the disk does not take it just now.
   * @throws {StoppingError} the process is stopping.
   */
  publish(entity: string, operation: Operation, data?: unknown, options?: PublishOptions): Promise<Receipt> {
    try {
      const given = options ?? NO_OPTIONS;
      assertOptions(given);
      const { key, qos, retain, messageId } = given;
      return this.submit([{ entity, operation, data, key, qos, retain, messageId }], draftKnown, this.first);
    } catch (error) {
      // Somebody's options that cannot be read, or have what nobody would look at.
      return this.reject(entity, error as Error);
    }
  }

  /**
   * Publishes several changes in one commit: all are accepted, or none is.
   * @throws as `publish()` does; `index` of the error says which change was wrong, where it is one.
   */
  publishMany(changes: readonly Change[]): Promise<Receipt[]> {
    return this.submit(changes, draftMessage, this.all);
  }

  /** Refuses changes from now on. */
  stop(): void {
    this.stopping = true;
  }

  private readonly all: Finish<Receipt[]> = (drafts, accepted) =>
    drafts.map((draft, index) => (accepted ? this.receipt(draft, accepted[index]!) : skippedReceipt(draft.messageId)));

  private readonly first: Finish<Receipt> = ([draft], accepted) =>
    accepted ? this.receipt(draft!, accepted[0]!) : skippedReceipt(draft!.messageId);

  /**
   * Rejects whatever happens, and never throws; yet no async function, which would keep changes and their data in memory until
   * they are stored.
   */
  private submit<Result>(changes: readonly Change[], draft: Draft, finish: Finish<Result>): Promise<Result> {
    let drafts: MessageDraft[];
    try {
      drafts = this.draftAll(changes, draft);
      // Sync is off, or there is nothing to store.
      if (!this.options.localMode || drafts.length === 0) return Promise.resolve(finish(drafts, undefined));
      return this.parts.queue.accept(drafts).then(
        (accepted) => finish(drafts, accepted),
        (error: Error) => this.reject(drafts[0]!.entity, error),
      );
    } catch (error) {
      return this.reject(entityOf(changes), error as Error);
    }
  }

  private reject(entity: unknown, error: Error): Promise<never> {
    const event = {
      entity: typeof entity === 'string' ? entity : undefined,
      code: error instanceof MqttSyncError ? error.code : undefined,
    };
    this.parts.events.emit('publish_failed', { cause: 'rejected', ...event });
    return Promise.reject(error);
  }

  private draftAll(changes: readonly Change[], draft: Draft): MessageDraft[] {
    if (!Array.isArray(changes)) throw new ChangeInvalidError('publishMany() takes an array of changes.');
    if (this.stopping)
      throw new StoppingError('The process is stopping: changes are refused. Try again after the restart.');
    const context = this.drafting();
    const acceptedAt = this.now();
    return changes.map((change: Change, index) => {
      try {
        return draft(change, acceptedAt, context);
      } catch (error) {
        if (error instanceof MqttSyncError) error.index = index;
        throw error;
      }
    });
  }

  /** Many changes share a millisecond. */
  private now(): Moment {
    const nowMs = this.parts.clock.wallMs();
    if (nowMs !== this.moment.ms) this.moment = momentOf(nowMs);
    return this.moment;
  }

  /** Whose changes they are, and where they go; the queue decides, since it remembers its vessel. */
  private drafting(): DraftContext {
    if (this.known) return this.known;
    const { localMode, topicPrefix, maxMessageBytes } = this.options;
    const vesselId = localMode ? this.parts.queue.identity?.vesselId : this.options.vesselId;
    if (vesselId === undefined) {
      throw new QueueUnavailableError(
        'The queue is not open: see the log for the reason. Changes cannot be accepted just now.',
      );
    }
    const { policies } = this;
    const nextMessageId = () => this.messageIds.next();
    const topics = new Topics(topicPrefix, vesselId);
    return (this.known = { policies, topics, vesselId, maxMessageBytes, nextMessageId });
  }

  private receipt(draft: MessageDraft, accepted: AcceptedMessage): Receipt {
    const { queue, watch, events, isConnected } = this.parts;
    const waiting = !isConnected();
    if (!accepted.repeated) {
      const { entity, operation, qos, lane, key } = draft;
      const event = { messageId: accepted.messageId, sequence: accepted.sequence, entity, operation, qos, lane, key };
      events.emit('message_accepted', event);
      if (waiting) events.emit('message_queued', Object.assign({ reason: 'not_connected' as const }, event));
      this.parts.accepted(accepted.position);
    }
    return receiptOf(accepted, queue.durable, waiting, watch);
  }
}

/** What is made of changes in the end; nothing was accepted while sync is off. */
type Finish<Result> = (drafts: readonly MessageDraft[], accepted: readonly AcceptedMessage[] | undefined) => Result;

/** For the event of a rejected call, whatever was given. */
function entityOf(changes: readonly Change[] | undefined): unknown {
  try {
    return changes?.[0]?.entity;
  } catch {
    return undefined;
  }
}

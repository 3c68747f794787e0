import { ChangeInvalidError, MqttSyncError, QueueUnavailableError, StoppingError } from '../errors.js';
import { type AcceptedMessage, type MessageDraft } from '../queue/message.js';
import { type SyncQueue } from '../queue/sync-queue.js';
import { type SyncEvents } from '../sync-events.js';
import { type Clock } from '../time/clock.js';
import { EntityPolicies, type EntityPolicyOverrides } from '../wire/entity-policies.js';
import { type Operation } from '../wire/envelope.js';
import { Topics } from '../wire/topics.js';
import { type Change, draftMessage, type PublishOptions } from './change.js';
import { type DeliveryWatch } from './delivery-watch.js';
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
  private readonly nextMessageId = () => this.messageIds.next();
  private known: Addressing | undefined;
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
  async publish(entity: string, operation: Operation, data?: unknown, options: PublishOptions = {}): Promise<Receipt> {
    const [receipt] = await this.publishMany([{ ...options, entity, operation, data }]);
    return receipt!;
  }

  /**
   * Publishes several changes in one commit: all are accepted, or none is.
   * @throws as `publish()` does; `details.index` says which change was wrong.
   */
  async publishMany(changes: readonly Change[]): Promise<Receipt[]> {
    try {
      if (!Array.isArray(changes)) throw new ChangeInvalidError('publishMany() takes an array of changes.');
      const drafts = this.draft(changes);
      if (!this.options.localMode) return drafts.map(({ messageId }) => skippedReceipt(messageId));
      if (drafts.length === 0) return [];
      const accepted = await this.parts.queue.accept(drafts);
      return accepted.map((message, index) => this.accept(drafts[index]!, message));
    } catch (error) {
      const code = error instanceof MqttSyncError ? error.code : undefined;
      this.parts.events.emit('publish_failed', { cause: 'rejected', entity: entityOf(changes), code });
      throw error;
    }
  }

  /** Refuses changes from now on. */
  stop(): void {
    this.stopping = true;
  }

  private draft(changes: readonly Change[]): MessageDraft[] {
    if (this.stopping)
      throw new StoppingError('The process is stopping: changes are refused. Try again after the restart.');
    const { vesselId, topics } = this.addressing();
    const { policies, options } = this;
    const context = {
      policies,
      topics,
      vesselId,
      maxMessageBytes: options.maxMessageBytes,
      nowMs: this.parts.clock.wallMs(),
      nextMessageId: this.nextMessageId,
    };
    return changes.map((change, index) => {
      try {
        return draftMessage(change, context);
      } catch (error) {
        if (error instanceof MqttSyncError) error.index = index;
        throw error;
      }
    });
  }

  /** Whose changes they are, and where they go; the queue decides, since it remembers its vessel. */
  private addressing(): Addressing {
    if (this.known) return this.known;
    const { localMode, topicPrefix } = this.options;
    const vesselId = localMode ? this.parts.queue.identity?.vesselId : this.options.vesselId;
    if (vesselId === undefined) {
      throw new QueueUnavailableError(
        'The queue is not open: see the log for the reason. Changes cannot be accepted just now.',
      );
    }
    return (this.known = { vesselId, topics: new Topics(topicPrefix, vesselId) });
  }

  private accept(draft: MessageDraft, accepted: AcceptedMessage): Receipt {
    const { queue, watch, events, isConnected } = this.parts;
    const waiting = !isConnected();
    if (!accepted.repeated) {
      const { entity, operation, qos, lane, key } = draft;
      const event = { messageId: accepted.messageId, sequence: accepted.sequence, entity, operation, qos, lane, key };
      events.emit('message_accepted', event);
      if (waiting) events.emit('message_queued', { ...event, reason: 'not_connected' });
      this.parts.accepted(accepted.position);
    }
    return receiptOf(accepted, queue.durable, waiting, watch);
  }
}

/** For the event of a rejected call, whatever was given. */
function entityOf(changes: readonly Change[] | undefined): string | undefined {
  const entity: unknown = changes?.[0]?.entity;
  return typeof entity === 'string' ? entity : undefined;
}

interface Addressing {
  readonly vesselId: string;
  readonly topics: Topics;
}

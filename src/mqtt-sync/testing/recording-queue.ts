import type { MqttSyncError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import { InMemoryMessageStore } from '../queue/in-memory-message-store.js';
import type { AcceptedMessage, MessageDraft } from '../queue/message.js';
import { StoredQueue } from '../queue/stored-queue.js';
import type { ResolvedOptions } from '../resolve-options.js';
import type { Clock } from '../time/clock.js';
import type { Qos } from '../wire/entity-policies.js';
import type { Operation } from '../wire/envelope.js';
import { inRealTurns } from './real-turns.js';

/** A change as a test can compare it: what would have gone over the wire. */
export interface RecordedChange {
  readonly entity: string;
  readonly operation: Operation;
  readonly key: string | undefined;
  readonly data: unknown;
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly messageId: string;
  readonly sequence: number;
}

/** The real queue, in memory, with a record of what it has accepted. */
export class RecordingQueue extends StoredQueue {
  /** What a receipt says of the store that the options ask for. */
  override readonly durable: boolean;
  /** What was accepted, in order. */
  readonly recorded: RecordedChange[] = [];
  /** Why nothing is accepted of the next call. */
  nextFailure: MqttSyncError | undefined;

  constructor({ queue }: Pick<ResolvedOptions, 'queue'>, clock: Clock, logger: SyncLogger) {
    super(new InMemoryMessageStore(), queue, clock, logger);
    this.durable = queue.store === 'disk';
  }

  override accept(drafts: readonly MessageDraft[]): Promise<readonly AcceptedMessage[]> {
    const failure = this.nextFailure;
    this.nextFailure = undefined;
    if (failure) return Promise.reject(failure);
    return inRealTurns(() => super.accept(drafts)).then((accepted) => {
      drafts.forEach((draft, index) => this.record(draft, accepted[index]!));
      return accepted;
    });
  }

  private record(draft: MessageDraft, { sequence, repeated }: AcceptedMessage): void {
    if (repeated) return;
    const { entity, operation, key, topic, qos, retain, messageId, envelope } = draft;
    const { data } = JSON.parse(envelope.seal(this.identity!.epoch, sequence).toString()) as { data?: unknown };
    this.recorded.push({ entity, operation, key, data, topic, qos, retain, messageId, sequence });
  }
}

import { formatReasonCode } from '../connection/failure-text.js';
import type { LogFields, SyncLogger } from '../logger.js';
import { describeMessage, type QueuedMessage } from '../queue/message.js';
import type { DeadLetter, DiscardReason, DropReason, QueueObserver } from '../queue/sync-queue.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import type { DeliveryWatch } from './delivery-watch.js';
import type { FlushWatch } from './flush-watch.js';

/** A full queue drops a message with every new one: one line in so many milliseconds tells it all. */
const DROP_LOG_INTERVAL_MS = 10_000;

/** Turns what the queue does by itself into events and log lines. */
export class QueueEvents implements QueueObserver {
  private droppedSinceLog = 0;
  private lastDropLogMs = -Infinity;

  constructor(
    private readonly events: Pick<SyncEvents, 'emit'>,
    private readonly flush: FlushWatch,
    private readonly watch: DeliveryWatch,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {}

  dropped(message: QueuedMessage, reason: DropReason): void {
    this.events.emit('message_dropped', Object.assign(describeMessage(message), { reason }));
    // What is purged or left behind is logged as a whole.
    if (reason !== 'queue_full') return;
    this.droppedSinceLog++;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lastDropLogMs < DROP_LOG_INTERVAL_MS) return;
    this.logger.warn(
      `The queue is full: ${this.droppedSinceLog} message(s) dropped since the last such line, the latest ` +
        `${message.messageId} (${message.entity}). Raise the limits, or see why nothing leaves.`,
      { ...identify(message), dropped: this.droppedSinceLog },
    );
    this.droppedSinceLog = 0;
    this.lastDropLogMs = nowMs;
  }

  deadLettered({ message, entity, sequence, position, reason, reasonCode, attempts }: DeadLetter): void {
    const messageId = message?.messageId;
    this.events.emit('message_dead_lettered', { entity, sequence, position, messageId, reason, reasonCode });
    const which = message
      ? `Message ${message.messageId} (${entity})`
      : `A damaged record (${entity}, sequence ${sequence})`;
    const code = reasonCode === undefined ? '' : ` ${formatReasonCode(reasonCode)}`;
    this.logger.error(`${which} was set aside as a dead letter: ${reason}${code}, after ${attempts} attempt(s).`, {
      messageId,
      entity,
      sequence,
      position,
      reason,
      reasonCode,
    });
  }

  /** By hand is asked for and answered; for want of room the queue says it, once for all of a commit. */
  discarded({ message, entity, sequence, position }: DeadLetter, reason: DiscardReason): void {
    const messageId = message?.messageId;
    this.events.emit('dead_letter_discarded', { entity, sequence, position, messageId, reason });
  }

  retried(message: QueuedMessage): void {
    // It was not in the queue at the connect, so the flush does not wait for it.
    this.flush.accepted(message.position);
    this.events.emit('message_retried', describeMessage(message));
    this.logger.log(
      `Dead letter ${message.messageId} (${message.entity}) is back in the queue, to be sent again.`,
      identify(message),
    );
  }

  missing(entity: string, count: number): void {
    this.events.emit('messages_missing', { entity, count });
    this.watch.recheck(entity);
  }

  committed(durationMs: number): void {
    this.events.emit('store_committed', { durationMs });
  }

  availability(available: boolean, reason: string | undefined): void {
    this.events.emit('queue_availability', { available, reason });
    if (!available) {
      this.logger.error(`The queue cannot accept changes: ${reason ?? 'unknown reason'}`);
      return;
    }
    this.logger.log('The queue accepts changes again.');
    // What could not be read before may have left meanwhile.
    this.watch.recheck();
  }

  left(position: number, acceptedAt: number): void {
    this.flush.left(position);
    // Whoever waits knows the position of the acceptance; a retry has given the message another one.
    this.watch.left(acceptedAt);
  }
}

function identify({ messageId, entity, sequence }: QueuedMessage): LogFields {
  return { messageId, entity, sequence };
}

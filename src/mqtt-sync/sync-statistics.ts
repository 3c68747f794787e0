import { type SyncEvents } from './sync-events.js';
import { type Qos } from './wire/entity-policies.js';
import { type Operation } from './wire/envelope.js';

/** Delivered messages that share their labels. */
export interface PublishedCount {
  readonly entity: string;
  readonly operation: Operation;
  readonly qos: Qos;
  count: number;
}

/**
 * The counts behind the health document and the metrics, moved by the events and nowhere else: whoever shows a number
 * reads it here, so that no two places can disagree.
 */
export class SyncStatistics {
  messagesPublished = 0;
  messagesQueued = 0;
  messagesDropped = 0;
  publishFailures = 0;
  connections = 0;
  reconnectionAttempts = 0;
  queueFlushes = 0;
  deadLettered = 0;
  possibleDuplicates = 0;
  private readonly published = new Map<string, PublishedCount>();

  constructor(events: SyncEvents) {
    events.on('message_published', ({ entity, operation, qos, possibleDuplicate }) => {
      this.messagesPublished++;
      if (possibleDuplicate) this.possibleDuplicates++;
      const labels = `${entity} ${operation} ${qos}`;
      const counted = this.published.get(labels);
      if (counted) counted.count++;
      else this.published.set(labels, { entity, operation, qos, count: 1 });
    });
    events.on('message_queued', () => this.messagesQueued++);
    events.on('message_dropped', () => this.messagesDropped++);
    events.on('publish_failed', () => this.publishFailures++);
    events.on('connected', () => this.connections++);
    events.on('reconnecting', () => this.reconnectionAttempts++);
    events.on('queue_flushed', () => this.queueFlushes++);
    events.on('message_dead_lettered', () => this.deadLettered++);
  }

  /** Deliveries by entity type, operation and QoS. */
  publishedByLabels(): Iterable<Readonly<PublishedCount>> {
    return this.published.values();
  }
}

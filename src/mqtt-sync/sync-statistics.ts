import type { SyncEvents } from './sync-events.js';
import type { Qos } from './wire/entity-policies.js';
import type { Operation } from './wire/envelope.js';

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
  /** Dead letters that are gone for good, for want of room among them and by hand. */
  readonly deadLettersDiscarded = { too_many: 0, by_hand: 0 };
  /** Messages that a damaged store has lost. */
  messagesMissing = 0;
  possibleDuplicates = 0;
  changesHandled = 0;
  changesRepeated = 0;
  changesEchoed = 0;
  changesParked = 0;
  changesUnclaimed = 0;
  handlerFailures = 0;
  /** Changes that came for the first time after a newer one of their key had been handled, replays not counted. */
  orderBreaks = 0;
  /** Changes of other vessels that were told as lost. */
  lostChanges = 0;
  parkedDiscarded = 0;
  /** By entity type, a few of each. */
  private readonly published = new Map<string, PublishedCount[]>();

  constructor(events: SyncEvents) {
    events.on('message_published', ({ entity, operation, qos, possibleDuplicate }) => {
      this.messagesPublished++;
      if (possibleDuplicate) this.possibleDuplicates++;
      this.countOf(entity, operation, qos).count++;
    });
    events.on('message_queued', () => this.messagesQueued++);
    events.on('message_dropped', () => this.messagesDropped++);
    events.on('publish_failed', () => this.publishFailures++);
    events.on('connected', () => this.connections++);
    events.on('reconnecting', () => this.reconnectionAttempts++);
    events.on('queue_flushed', () => this.queueFlushes++);
    events.on('message_dead_lettered', () => this.deadLettered++);
    events.on('dead_letter_discarded', ({ reason }) => this.deadLettersDiscarded[reason]++);
    events.on('messages_missing', ({ count }) => (this.messagesMissing += count));
    this.countIncoming(events);
  }

  private countIncoming(events: SyncEvents): void {
    events.on('change_handled', ({ stale, replayed }) => {
      this.changesHandled++;
      if (stale && !replayed) this.orderBreaks++;
    });
    events.on('change_repeated', () => this.changesRepeated++);
    events.on('change_echoed', () => this.changesEchoed++);
    events.on('change_parked', () => this.changesParked++);
    events.on('change_unclaimed', () => this.changesUnclaimed++);
    events.on('change_failed', () => this.handlerFailures++);
    events.on('gap_told', ({ count }) => (this.lostChanges += count));
    events.on('parked_discarded', () => this.parkedDiscarded++);
  }

  /** Deliveries by entity type, operation and QoS. */
  publishedByLabels(): Iterable<Readonly<PublishedCount>> {
    return [...this.published.values()].flat();
  }

  /** Without a name made of all three, which every delivery would have to put together and look up. */
  private countOf(entity: string, operation: Operation, qos: Qos): PublishedCount {
    let counts = this.published.get(entity);
    if (!counts) this.published.set(entity, (counts = []));
    for (const count of counts) if (count.operation === operation && count.qos === qos) return count;
    const count = { entity, operation, qos, count: 0 };
    counts.push(count);
    return count;
  }
}

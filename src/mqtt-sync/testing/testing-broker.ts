import { v7 as uuidv7 } from 'uuid';
import type { FlushWatch } from '../publisher/flush-watch.js';
import { describeMessage, type QueuedMessage } from '../queue/message.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import type { ResolvedOptions } from '../resolve-options.js';
import type { Inbox } from '../subscriber/inbox/inbox.js';
import type { Receiver } from '../subscriber/receiver.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';
import { LANES } from '../wire/lanes.js';
import { expandPrefix } from '../wire/topics.js';
import { type CompleteChange, messageOf, type ReceivedChange } from './received-change.js';
import type { TestingConnection } from './testing-connection.js';

/** What the broker stands between. */
export interface TestingBrokerParts {
  readonly options: ResolvedOptions;
  readonly queue: SyncQueue;
  readonly connection: TestingConnection;
  readonly flush: FlushWatch;
  readonly receiver: Receiver;
  readonly inbox: Inbox;
  readonly events: SyncEvents;
  readonly clock: Clock;
}

const NOT_AUTHORIZED = 0x87;

/**
 * The broker of a test, in the process: it acknowledges every message at once, until the test takes the connection away or has
 * it refuse one; and it brings what other vessels publish.
 */
export class TestingBroker {
  private refusesNext = false;
  private readonly sequences = new Map<string, number>();

  constructor(private readonly parts: TestingBrokerParts) {}

  /** Ends the connection: changes wait, and so does `delivered()`. */
  disconnect(reason = 'disconnected by a test'): void {
    const { connection, receiver, events } = this.parts;
    if (!connection.isConnected) return;
    connection.lose(reason);
    events.emit('disconnected', { reason });
    if (receiver.isWanted) events.emit('receiver_disconnected', { reason });
  }

  /** Brings the connection back: what waits is delivered. */
  connect(): void {
    const { connection, receiver, events, flush, queue } = this.parts;
    if (connection.state !== 'waiting') return;
    connection.lose(undefined);
    const session = { protocol: '5', sessionPresent: false } as const;
    events.emit('connected', session);
    if (receiver.isWanted) events.emit('receiver_connected', session);
    flush.begin(queue.stats().messages);
    this.take();
  }

  /** Refuses the next message, so that it becomes a dead letter, and `delivered()` rejects. */
  refuseNext(): void {
    this.refusesNext = true;
  }

  /**
   * Brings a change of another vessel to its handlers, those of controllers too once Nest has registered them; resolves when
   * all have succeeded. Each is tried once, whatever came before, and nothing is recorded or parked.
   * @throws {NotSubscribedError} it has no handlers. What a handler throws.
   */
  async receive(change: ReceivedChange): Promise<void> {
    const { options, receiver, inbox } = this.parts;
    const complete = this.complete(change);
    const { messageId, vesselId, epoch, sequence, entity, key } = complete;
    if (change.stale) {
      const newer = { messageId: `${messageId}-newer`, vesselId, epoch, sequence: sequence + 1, entity, key };
      // Read at once, whenever it is stored.
      void inbox.recordHandled({ ...newer, retained: false, replayed: false });
    }
    await receiver.handleAgain(messageOf(complete, expandPrefix(options.inboundPrefix, options.vesselId)));
  }

  /** Takes what the queue has, while there is a connection. */
  take(): void {
    const { connection, queue } = this.parts;
    for (const lane of LANES) {
      for (;;) {
        const message = connection.isConnected ? queue.take(lane, () => true) : undefined;
        if (!message) break;
        this.answer(message);
      }
    }
  }

  private answer(message: QueuedMessage): void {
    const { queue, events, clock } = this.parts;
    if (this.refusesNext) {
      this.refusesNext = false;
      events.emit('publish_failed', { cause: 'refused', entity: message.entity, code: undefined });
      queue.setAside(message, { reason: 'refused', reasonCode: NOT_AUTHORIZED, attempts: 1 });
      return;
    }
    queue.remove([message]);
    const latencyMs = Math.max(0, clock.wallMs() - message.acceptedAtMs);
    events.emit('message_published', Object.assign(describeMessage(message), { latencyMs, possibleDuplicate: false }));
  }

  private complete(change: ReceivedChange): CompleteChange {
    const { vesselId = 'other-vessel', entity, epoch = 1 } = change;
    const stream = JSON.stringify([vesselId, epoch, entity]);
    const sequence = change.sequence ?? (this.sequences.get(stream) ?? 0) + 1;
    this.sequences.set(stream, sequence);
    const { messageId = uuidv7(), timestamp = new Date(this.parts.clock.wallMs()).toISOString() } = change;
    return { ...change, vesselId, epoch, sequence, messageId, timestamp };
  }
}

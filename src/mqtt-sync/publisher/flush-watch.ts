import type { Clock } from '../time/clock.js';
import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';

/** A flush under way. */
interface Flush {
  readonly messages: number;
  readonly startedAtMs: number;
  remaining: number;
  /** Newest position that belongs to it; unknown until the first message is accepted after it began. */
  newestPosition: number | undefined;
}

/** Notices when everything that the queue held at a connect has left it on that connection. */
export class FlushWatch {
  private flush: Flush | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly events: Pick<SyncEvents, 'emit'>,
    private readonly logger: SyncLogger,
  ) {}

  /** A connection is up, with so many messages in the queue. */
  begin(messages: number): void {
    const startedAtMs = this.clock.monotonicMs();
    this.flush = messages > 0 ? { messages, startedAtMs, remaining: messages, newestPosition: undefined } : undefined;
  }

  /** The connection is gone: what it had not flushed is not flushed. */
  cut(): void {
    this.flush = undefined;
  }

  /** Positions rise in the order of acceptance, so the first new one bounds what was there before. */
  accepted(position: number): void {
    if (this.flush) this.flush.newestPosition ??= position - 1;
  }

  left(position: number): void {
    const { flush } = this;
    if (!flush || position > (flush.newestPosition ?? Infinity)) return;
    flush.remaining--;
    if (flush.remaining > 0) return;
    this.flush = undefined;
    const durationMs = Math.round(this.clock.monotonicMs() - flush.startedAtMs);
    const seconds = (durationMs / 1000).toFixed(1);
    // Not "delivered": some of it may have been set aside or dropped, which is told message by message.
    this.logger.log(`The backlog of ${flush.messages} message(s) has left the queue within ${seconds} s.`);
    this.events.emit('queue_flushed', { messages: flush.messages, durationMs });
  }
}

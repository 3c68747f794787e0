import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';
import type { Clock } from '../time/clock.js';

/** One line in so many milliseconds tells it all. */
const LOG_INTERVAL_MS = 60_000;

/** Tells of messages that are acknowledged without a handler. */
export class UnclaimedMessages {
  private sinceLog = 0;
  private lastLogMs = -Infinity;

  constructor(
    private readonly events: Pick<SyncEvents, 'emit'>,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {}

  add(topic: string, entity: string | undefined): void {
    this.events.emit('change_unclaimed', { topic, entity });
    this.sinceLog++;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lastLogMs < LOG_INTERVAL_MS) return;
    this.logger.warn(
      `${this.sinceLog} message(s) acknowledged without a handler since the last such line, the latest on ${topic}: ` +
        'the broker still has a subscription to it. Subscribe before the application has started.',
    );
    this.sinceLog = 0;
    this.lastLogMs = nowMs;
  }
}

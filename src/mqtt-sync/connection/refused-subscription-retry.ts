import { backoffCeiling, type BackoffLimits } from '../time/backoff.js';
import type { CancelTimer, Clock } from '../time/clock.js';

/** Seldom enough for a metered link, and soon enough for somebody who has just mended the access list. */
const LIMITS: BackoffLimits = { baseMs: 60_000, capMs: 15 * 60_000 };

/** Asks again on the same connection for what the broker refuses: an access list is mended, and a quota is free, without a reconnect. */
export class RefusedSubscriptionRetry {
  private attempt = 0;
  private cancel: CancelTimer = () => {};

  constructor(
    private readonly clock: Clock,
    private readonly ask: () => void,
  ) {}

  /** Something was refused. */
  later(): void {
    this.cancel();
    this.cancel = this.clock.after(backoffCeiling(this.attempt++, LIMITS), this.ask);
  }

  /** Nothing is refused any more, or the connection is gone. */
  end(): void {
    this.cancel();
    this.attempt = 0;
  }
}

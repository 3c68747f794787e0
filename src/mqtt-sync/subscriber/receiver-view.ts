import type { RefusedSubscription } from './subscriptions.js';

/** What health and metrics read of the receiving side. */
export interface ReceiverView {
  /** Whether anything is subscribed, so that there is, or should be, a connection. */
  readonly isWanted: boolean;
  readonly isConnected: boolean;
  /** Topic filters that the broker has granted. */
  readonly activeSubscriptions: number;
  /** Those that it refuses. */
  readonly refusedSubscriptions: readonly RefusedSubscription[];
  /** Why nothing can be recorded as handled just now; undefined when it can. */
  readonly unavailableReason: string | undefined;
  /** Messages received and not acknowledged yet. */
  readonly unacknowledged: number;
  /** Handlers that are running just now. */
  readonly handlersRunning: number;
}

import type { SyncLogger } from '../logger.js';

/** With shorter round trips even the smallest windows in use carry more than a ship produces. */
const SHORTEST_ROUND_TRIP_MS = 20;

/** Where a fuller window would have been filled, and was not. */
export interface ReceiveMaximumLimit {
  readonly receiveMaximum: number;
  /** Undefined before the first acknowledgement. */
  readonly roundTripMs: number | undefined;
  /** Messages in the queue, those in flight included. */
  readonly messages: () => number;
}

/**
 * Tells once that the broker's Receive Maximum (MQTT 5, section 3.2.2.3.3) holds the backlog back, with what it costs: on a
 * long link it is what decides how long the backlog takes, and nothing else would show it. Again only of another number:
 * there are links with a gap every few minutes.
 */
export class ReceiveMaximumNotice {
  private told: number | undefined;

  constructor(private readonly logger: SyncLogger) {}

  /** Nothing more may be sent, although the window has room. */
  limited({ receiveMaximum, roundTripMs = 0, messages }: ReceiveMaximumLimit): void {
    if (receiveMaximum === this.told || roundTripMs < SHORTEST_ROUND_TRIP_MS) return;
    const waiting = messages() - receiveMaximum;
    if (waiting <= 0) return;
    this.told = receiveMaximum;
    const perSecond = Math.round((receiveMaximum * 1000) / roundTripMs);
    this.logger.warn(
      `The broker takes ${receiveMaximum} unacknowledged messages: at most ${perSecond} a second at ${Math.round(roundTripMs)} ms, ` +
        `with ${waiting} more waiting. Where the link can carry more, raise it at the broker (Mosquitto: max_inflight_messages).`,
    );
  }
}

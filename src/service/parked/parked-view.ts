import type { ParkedMessage, ParkReason } from '../../mqtt-sync/subscriber/inbox/inbox.js';
import type { Qos } from '../../mqtt-sync/wire/entity-policies.js';

/** A parked message as it is shown in a list. What it does not say of itself is absent. */
export interface ParkedView {
  /** Names the parked message. */
  readonly position: number;
  readonly topic: string;
  readonly qos: Qos;
  readonly retained: boolean;
  readonly reason: ParkReason;
  /** What the last try said. */
  readonly error: string;
  readonly attempts: number;
  readonly parkedAt: string;
  /** Whether it can be handled again: somebody can read it. */
  readonly retryable: boolean;
  readonly vesselId?: string;
  readonly epoch?: number;
  readonly sequence?: number;
  readonly entity?: string;
  readonly key?: string;
  readonly messageId?: string;
  /** Length of its payload. */
  readonly bytes: number;
}

/** A parked message with what it was to tell. */
export interface ParkedWithPayload extends ParkedView {
  /** Its JSON, else its text; what is not UTF-8 shows as replacement characters. */
  readonly payload: unknown;
}

export function toView(message: ParkedMessage): ParkedView {
  const { position, topic, qos, retained, reason, error, attempts, parkedAtMs, identity, payload } = message;
  const { vesselId, epoch, sequence, entity, key, messageId } = identity ?? {};
  const known = Object.entries({ vesselId, epoch, sequence, entity, key, messageId });
  return {
    ...{ position, topic, qos, retained, reason, error, attempts, parkedAt: new Date(parkedAtMs).toISOString() },
    retryable: reason === 'handler_failed' || reason === 'handler_timed_out',
    ...Object.fromEntries(known.filter(([, value]) => value !== undefined)),
    bytes: payload.length,
  };
}

export function toViewWithPayload(message: ParkedMessage): ParkedWithPayload {
  return { ...toView(message), payload: readable(message.payload.toString()) };
}

function readable(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

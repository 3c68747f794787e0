import { reasonCodeText } from '../../mqtt-sync/connection/failure-text.js';
import type { DeadLetterReason } from '../../mqtt-sync/queue/reasons.js';
import type { DeadLetter } from '../../mqtt-sync/queue/sync-queue.js';
import type { Operation } from '../../mqtt-sync/wire/envelope.js';
import type { Qos } from '../../mqtt-sync/wire/entity-policies.js';

/** A dead letter as it is shown in a list. What belongs to its message is absent when its record is damaged. */
export interface DeadLetterView {
  /** Names the dead letter. */
  readonly position: number;
  readonly entity: string;
  readonly sequence: number;
  readonly reason: DeadLetterReason;
  /** The broker's MQTT reason code, when it gave one. */
  readonly reasonCode?: number;
  /** The same for people: `Not authorized (0x87)`. */
  readonly reasonText?: string;
  readonly attempts: number;
  readonly deadAt: string;
  /** Whether it can be sent again: its record is whole. */
  readonly retryable: boolean;
  readonly messageId?: string;
  readonly operation?: Operation;
  readonly key?: string;
  readonly topic?: string;
  readonly qos?: Qos;
  readonly acceptedAt?: string;
  /** Length of its envelope. */
  readonly bytes?: number;
}

/** A dead letter with what it was to tell. */
export interface DeadLetterWithPayload extends DeadLetterView {
  /** The envelope; absent when the record is damaged. */
  readonly payload?: unknown;
}

export function toView({ message, ...letter }: DeadLetter): DeadLetterView {
  const { position, entity, sequence, reason, reasonCode, attempts, deadAtMs } = letter;
  return {
    ...{ position, entity, sequence, reason },
    ...(reasonCode !== undefined && { reasonCode, reasonText: reasonCodeText(reasonCode) }),
    ...{ attempts, deadAt: timeOf(deadAtMs), retryable: message !== undefined },
    ...(message && {
      ...{ messageId: message.messageId, operation: message.operation },
      ...(message.key !== undefined && { key: message.key }),
      ...{ topic: message.topic, qos: message.qos },
      ...{ acceptedAt: timeOf(message.acceptedAtMs), bytes: message.payload.length },
    }),
  };
}

export function toViewWithPayload(letter: DeadLetter): DeadLetterWithPayload {
  const { message } = letter;
  return { ...toView(letter), ...(message && { payload: JSON.parse(message.payload.toString()) as unknown }) };
}

/** As in envelopes. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

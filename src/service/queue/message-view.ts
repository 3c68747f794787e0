import type { QueuedMessage } from '../../mqtt-sync/queue/message.js';
import type { Operation } from '../../mqtt-sync/wire/envelope.js';
import type { Qos } from '../../mqtt-sync/wire/entity-policies.js';
import type { Lane } from '../../mqtt-sync/wire/lanes.js';

/** A message of the queue as it is shown in a list. */
export interface MessageView {
  /** Its place in the order of acceptance; names it. */
  readonly position: number;
  readonly entity: string;
  readonly operation: Operation;
  readonly key?: string;
  readonly messageId: string;
  readonly sequence: number;
  readonly lane: Lane;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly topic: string;
  readonly acceptedAt: string;
  /** Length of its envelope. */
  readonly bytes: number;
}

/** A message with what it is to tell. */
export interface MessageWithPayload extends MessageView {
  /** The envelope. */
  readonly payload: unknown;
}

export function toMessageView(message: QueuedMessage): MessageView {
  const { position, entity, operation, key, messageId, sequence, lane, qos, retain, topic } = message;
  return {
    ...{ position, entity, operation, ...(key !== undefined && { key }) },
    ...{ messageId, sequence, lane, qos, retain, topic },
    acceptedAt: new Date(message.acceptedAtMs).toISOString(),
    bytes: message.payload.length,
  };
}

export function toMessageWithPayload(message: QueuedMessage): MessageWithPayload {
  return { ...toMessageView(message), payload: JSON.parse(message.payload.toString()) as unknown };
}

import type { MessageEvent } from '../sync-events.js';
import type { Qos } from '../wire/entity-policies.js';
import type { DraftEnvelope, Operation } from '../wire/envelope.js';
import type { Lane } from '../wire/lanes.js';

/** What envelope, topic and flags a message has, before and after it is accepted. */
interface MessageBase {
  readonly entity: string;
  readonly operation: Operation;
  /** The entity's id; undefined: the entity type orders as one. */
  readonly key: string | undefined;
  readonly messageId: string;
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Wall clock at `publish()`, in milliseconds since 1970. */
  readonly acceptedAtMs: number;
}

/** A message that asks to be accepted. */
export interface MessageDraft extends MessageBase {
  /** The lane its entity type has now; while the type still has messages in another lane, that one is used. */
  readonly lane: Lane;
  /** Whether the caller chose the message id, so that a repeat of it must be recognised. */
  readonly idIsGiven: boolean;
  readonly envelope: DraftEnvelope;
}

/** A message in the queue. */
export interface QueuedMessage extends MessageBase {
  readonly lane: Lane;
  /** Place in the order of acceptance, across lanes; unique for the life of a store. */
  readonly position: number;
  readonly sequence: number;
  /** The envelope as UTF-8; its length is what counts against the queue's limit in bytes. */
  readonly payload: Buffer;
}

/** What the queue made of a draft. */
export interface AcceptedMessage {
  readonly messageId: string;
  readonly sequence: number;
  readonly entity: string;
  readonly position: number;
  /** Whether an earlier change had the same given id: nothing new was stored. */
  readonly repeated: boolean;
}

/** What an event says of a message. More is added with `Object.assign()`: a copy by spreading costs 30 times as much. */
export function describeMessage(message: QueuedMessage): MessageEvent {
  const { messageId, entity, operation, sequence, qos, lane, key } = message;
  return { messageId, entity, operation, sequence, qos, lane, key };
}

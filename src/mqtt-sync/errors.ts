/** Everything the library throws carries one of these codes; branch on the code or the class, never on the text. */
export type SyncErrorCode =
  | 'OPTIONS_INVALID'
  | 'CHANGE_INVALID'
  | 'CHANGE_NOT_SERIALISABLE'
  | 'CHANGE_TOO_LARGE'
  | 'ENTITY_TYPE_INVALID'
  | 'ENTITY_TYPE_LIMIT'
  | 'HANDLER_INVALID'
  | 'QUEUE_FULL'
  | 'QUEUE_UNAVAILABLE'
  | 'QUEUE_LOCKED'
  | 'QUEUE_VESSEL_MISMATCH'
  | 'STORE_FORMAT'
  | 'STOPPING'
  | 'REQUEST_NOT_SUPPORTED'
  | 'MESSAGE_DROPPED'
  | 'MESSAGE_DEAD_LETTERED'
  | 'DELIVERY_TIMEOUT'
  | 'DELIVERY_ABORTED'
  | 'CATCH_UP_INVALID'
  | 'CATCH_UP_NOT_SENT'
  | 'CATCH_UP_TIMEOUT'
  | 'CATCH_UP_ABORTED'
  | 'NOT_SUBSCRIBED';

/** Facts that help to act on an error: names and numbers only, never a payload or a secret. */
export type SyncErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>;

/** Base of every error of this library. */
export abstract class MqttSyncError extends Error {
  abstract readonly code: SyncErrorCode;
  /** Whether the same call can succeed later without being changed. */
  readonly retryable: boolean = false;
  readonly details: SyncErrorDetails;
  /** Which change of a `publishMany()` was wrong, counted from 0; undefined where that does not apply. */
  index: number | undefined;

  constructor(message: string, details: SyncErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.details = details;
  }
}

/** One thing wrong with the options: where, and what to do about it. */
export interface OptionFault {
  /** Dotted path of the option, e.g. `queue.maxMessages`. */
  readonly path: string;
  /** What was expected. Never repeats the value given, which may be a secret. */
  readonly message: string;
}

/** The options are wrong; lists every fault at once. */
export class OptionsError extends MqttSyncError {
  readonly code = 'OPTIONS_INVALID';

  constructor(readonly faults: readonly OptionFault[]) {
    super(`Invalid MqttSync options: ${faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ')}`);
  }
}

/** A change has a bad operation, key, message id, QoS or retain flag, or a field that no change has. */
export class ChangeInvalidError extends MqttSyncError {
  readonly code = 'CHANGE_INVALID';
}

/** The data of a change has no JSON form (a cycle, a BigInt, a `toJSON` that throws). */
export class ChangeNotSerialisableError extends MqttSyncError {
  readonly code = 'CHANGE_NOT_SERIALISABLE';
}

/** The envelope of a change would be larger than `maxMessageBytes`. */
export class ChangeTooLargeError extends MqttSyncError {
  readonly code = 'CHANGE_TOO_LARGE';

  constructor(
    readonly bytes: number,
    readonly maxBytes: number,
    entity: string,
  ) {
    super(
      `The change of ${entity} takes ${bytes} bytes, the limit is ${maxBytes}. Send less data, or raise maxMessageBytes (MQTT_MAX_MESSAGE_BYTES).`,
      { bytes, maxBytes, entity },
    );
  }
}

/** The entity type does not match `[a-z][a-z0-9_]{0,63}` or is reserved. */
export class EntityTypeInvalidError extends MqttSyncError {
  readonly code = 'ENTITY_TYPE_INVALID';
}

/** The queue already knows as many entity types as it may (256). */
export class EntityTypeLimitError extends MqttSyncError {
  readonly code = 'ENTITY_TYPE_LIMIT';
}

/** A controller's handler cannot be one for incoming changes: its pattern is no entity type, or it wants to answer. */
export class HandlerInvalidError extends MqttSyncError {
  readonly code = 'HANDLER_INVALID';
}

/** The queue is full and its overflow policy found nothing it may drop. */
export class QueueFullError extends MqttSyncError {
  readonly code = 'QUEUE_FULL';
  override readonly retryable = true;
}

/** The store cannot take messages just now: disk full, not writable, unreadable. `cause` has the reason. */
export class QueueUnavailableError extends MqttSyncError {
  readonly code = 'QUEUE_UNAVAILABLE';
  override readonly retryable = true;
}

/** Another process has the queue folder open. */
export class QueueLockedError extends MqttSyncError {
  readonly code = 'QUEUE_LOCKED';
}

/** The queue holds messages of another vessel than the one configured. */
export class QueueVesselMismatchError extends MqttSyncError {
  readonly code = 'QUEUE_VESSEL_MISMATCH';
}

/** The store on disk was written by a newer version, which this one cannot read. It is left as it is. */
export class StoreFormatError extends MqttSyncError {
  readonly code = 'STORE_FORMAT';
}

/** The process is stopping: new changes are refused, and what waits stays in the queue. */
export class StoppingError extends MqttSyncError {
  readonly code = 'STOPPING';
  override readonly retryable = true;
}

/** `MqttSyncClient.send()`: request and response do not work over a link that stores and forwards. */
export class RequestNotSupportedError extends MqttSyncError {
  readonly code = 'REQUEST_NOT_SUPPORTED';

  constructor(pattern: unknown) {
    const shown = typeof pattern === 'string' ? `"${pattern.slice(0, 80)}"` : 'this pattern';
    super(
      `send() cannot be used for ${shown}: the other side may be out of reach for days, so no answer can be waited for. ` +
        'Use emit() for a change, and an incoming change of the other side for the answer.',
    );
  }
}

/** `delivered()`: the message was dropped for want of room. */
export class MessageDroppedError extends MqttSyncError {
  readonly code = 'MESSAGE_DROPPED';
}

/** `delivered()`: the broker will never take the message; it was set aside as a dead letter. */
export class MessageDeadLetteredError extends MqttSyncError {
  readonly code = 'MESSAGE_DEAD_LETTERED';
}

/** `delivered()`: not delivered within the time given. The message stays in the queue. */
export class DeliveryTimeoutError extends MqttSyncError {
  readonly code = 'DELIVERY_TIMEOUT';
  override readonly retryable = true;
}

/** `delivered()`: the caller's signal was aborted. The message stays in the queue. */
export class DeliveryAbortedError extends MqttSyncError {
  readonly code = 'DELIVERY_ABORTED';
  override readonly retryable = true;
}

/** What is asked for in a request for catch-up is wrong: the vessel id, the entity type, a range, a time or a limit. */
export class CatchUpInvalidError extends MqttSyncError {
  readonly code = 'CATCH_UP_INVALID';
}

/** A request for catch-up could not be handed to the broker: not connected, or the broker refuses it. */
export class CatchUpNotSentError extends MqttSyncError {
  readonly code = 'CATCH_UP_NOT_SENT';
  override readonly retryable = true;
}

/** Nothing of an answer to a request for catch-up came in time. What comes later is handled all the same. */
export class CatchUpTimeoutError extends MqttSyncError {
  readonly code = 'CATCH_UP_TIMEOUT';
  override readonly retryable = true;
}

/** The caller's signal was aborted. What the vessel still sends is handled all the same. */
export class CatchUpAbortedError extends MqttSyncError {
  readonly code = 'CATCH_UP_ABORTED';
  override readonly retryable = true;
}

/** Nothing here receives changes of the entity type, so that nobody would get what is sent again, or was parked. */
export class NotSubscribedError extends MqttSyncError {
  readonly code = 'NOT_SUBSCRIBED';
}

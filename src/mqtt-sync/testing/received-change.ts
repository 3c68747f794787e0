import type { IncomingMessage } from '../wire/decode-change.js';
import type { Operation } from '../wire/envelope.js';
import { Topics } from '../wire/topics.js';

/** A change of another vessel, as a test gives it to the handlers. */
export interface ReceivedChange {
  readonly entity: string;
  readonly operation: Operation;
  /** @default none: the change has no key */
  readonly key?: string | undefined;
  readonly data?: unknown;
  /** @default another one each time */
  readonly messageId?: string | undefined;
  /** Which side made it. @default 'other-vessel' */
  readonly vesselId?: string | undefined;
  /** @default the next of its vessel and entity type */
  readonly sequence?: number | undefined;
  /** @default 1 */
  readonly epoch?: number | undefined;
  /** @default now */
  readonly timestamp?: string | undefined;
  /** It is sent again, since this side had asked for it. @default false */
  readonly replayed?: boolean | undefined;
  /** The broker had kept it. @default false */
  readonly retained?: boolean | undefined;
  /** A newer change of its key was handled before. @default false */
  readonly stale?: boolean | undefined;
}

/** The same with everything that its envelope needs. */
export type CompleteChange = ReceivedChange &
  Readonly<Record<'messageId' | 'vesselId' | 'timestamp', string>> &
  Readonly<Record<'sequence' | 'epoch', number>>;

/**
 * The message that the broker would bring.
 * @param inboundPrefix where changes are listened for, with the own vessel id filled in
 */
export function messageOf(change: CompleteChange, inboundPrefix: string): IncomingMessage {
  const { entity, operation, key, data, messageId, vesselId, timestamp, epoch, sequence, replayed } = change;
  const topics = new Topics(inboundPrefix.replaceAll('+', vesselId), vesselId);
  const type = replayed ? 'catchup' : 'data_change';
  const envelope = { type, entity, operation, key, messageId, vesselId, timestamp, epoch, sequence, data };
  return {
    topic: replayed ? topics.catchUpOf(entity) : topics.ofEntity(entity),
    payload: Buffer.from(JSON.stringify(envelope)),
    qos: 1,
    retained: change.retained ?? false,
  };
}

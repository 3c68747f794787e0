import { seal, unseal } from '../../store/sealed-records.js';
import type { Lane } from '../../wire/lanes.js';
import type { Operation } from '../../wire/envelope.js';
import type { Qos } from '../../wire/entity-policies.js';
import type { QueuedMessage } from '../message.js';
import type { MessageKey, StoredDeadLetter, StoredRecord } from '../message-store.js';
import type { DeadLetterReason } from '../reasons.js';

type MessageHeader = readonly [
  position: number,
  sequence: number,
  entity: string,
  operation: Operation,
  key: string | null,
  messageId: string,
  topic: string,
  qos: Qos,
  retain: 0 | 1,
  lane: Lane,
  acceptedAtMs: number,
];

function headerOf(message: QueuedMessage): MessageHeader {
  const { position, sequence, entity, operation, key, messageId, topic, qos, retain, lane, acceptedAtMs } = message;
  const retained = retain ? 1 : 0;
  return [position, sequence, entity, operation, key ?? null, messageId, topic, qos, retained, lane, acceptedAtMs];
}

function messageOf(header: MessageHeader, payload: Buffer): QueuedMessage {
  const [position, sequence, entity, operation, key, messageId, topic, qos, retain, lane, acceptedAtMs] = header;
  return {
    entity,
    operation,
    key: key ?? undefined,
    messageId,
    topic,
    qos,
    retain: retain === 1,
    acceptedAtMs,
    lane,
    sequence,
    position,
    payload,
  };
}

export function encodeMessage(message: QueuedMessage): Buffer {
  return seal(headerOf(message), message.payload);
}

/** Reads a message; one whose record or key is damaged comes back as the bytes that were found. */
export function decodeMessage(key: MessageKey, record: Buffer): StoredRecord {
  const opened = unseal<MessageHeader>(record);
  if (!opened) return { key, message: undefined, raw: record };
  const [position, sequence] = opened.header;
  if (position === key.position && sequence === key.sequence) {
    return { key, message: messageOf(opened.header, opened.body) };
  }
  return { key, message: undefined, raw: record };
}

type DeadLetterHeader = readonly [
  entity: string,
  reason: DeadLetterReason,
  reasonCode: number | null,
  attempts: number,
  deadAtMs: number,
  /** Null: the body is the damaged record as it was found. */
  message: MessageHeader | null,
];

export function encodeDeadLetter({ letter, raw }: StoredDeadLetter): Buffer {
  const { entity, reason, reasonCode, attempts, deadAtMs, message } = letter;
  const header = message ? headerOf(message) : null;
  return seal(
    [entity, reason, reasonCode ?? null, attempts, deadAtMs, header],
    ...(message ? [message.payload] : raw ? [raw] : []),
  );
}

/** Whether a record whose CRC is good is what was stored under this key: a page may have been written to the wrong place. */
function fits({ position, sequence }: MessageKey, header: readonly unknown[]): header is DeadLetterHeader {
  if (typeof header[0] !== 'string' || typeof header[1] !== 'string') return false;
  const message = header[5];
  return message === null || (Array.isArray(message) && message[0] === position && message[1] === sequence);
}

/** Reads a dead letter; one that got damaged since counts as `corrupt`. */
export function decodeDeadLetter(key: MessageKey, entity: string, record: Buffer): StoredDeadLetter {
  const { position, sequence } = key;
  const opened = unseal<readonly unknown[]>(record);
  if (!opened || !fits(key, opened.header)) {
    const verdict = { reason: 'corrupt' as const, reasonCode: undefined, attempts: 0, deadAtMs: 0 };
    return { key, letter: { entity, position, sequence, message: undefined, ...verdict }, raw: record };
  }
  const [ofEntity, reason, reasonCode, attempts, deadAtMs, header] = opened.header;
  const verdict = { reason, reasonCode: reasonCode ?? undefined, attempts, deadAtMs };
  const message = header ? messageOf(header, opened.body) : undefined;
  const raw = message ? undefined : opened.body;
  return { key, letter: { entity: ofEntity, position, sequence, message, ...verdict }, raw };
}

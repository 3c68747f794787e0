import { isEntityType, type Qos } from './entity-policies.js';
import { OPERATIONS, type Operation } from './envelope.js';
import type { IncomingChange } from './incoming-change.js';

/** A message as it came from the broker. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  /** Whether the broker had kept it for late subscribers. */
  readonly retained: boolean;
}

/** Nobody can make a change of the message. */
export interface Unreadable {
  readonly fault: string;
}

/** An envelope of a type that this version does not know, which is to be ignored (docs/wire-contract.md). */
export interface UnknownEnvelope {
  readonly unknownType: string;
}

/** Deeper than any data of an entity, and far from where recursive code runs out of stack. */
const MAX_DEPTH = 200;
/** As long as the keys that `publish()` takes. */
const MAX_NAME_LENGTH = 256;

const ENVELOPE_TYPES: ReadonlySet<unknown> = new Set(['data_change', 'catchup']);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** Thrown and caught in here. */
class Fault extends Error {}

/**
 * Understands a message as far as it can be: an envelope, an older one, one of an unknown type, or a bare message.
 * @param maxBytes larger payloads are not looked at.
 */
export function decodeChange(
  message: IncomingMessage,
  maxBytes: number,
): IncomingChange | UnknownEnvelope | Unreadable {
  try {
    const { payload } = message;
    if (payload.length > maxBytes) throw new Fault(`${payload.length} bytes, the limit is ${maxBytes}`);
    const value = parse(textOf(payload));
    if (isEnvelope(value)) return fromEnvelope(message, value);
    return unknownEnvelope(value) ?? { ...bareChange(message), data: value };
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message };
    throw error;
  }
}

/** Whether a message could not be understood. */
export const isUnreadable = (decoded: object): decoded is Unreadable => 'fault' in decoded;

/** Whether a message is none for this version. */
export const isUnknownEnvelope = (decoded: object): decoded is UnknownEnvelope => 'unknownType' in decoded;

function textOf(payload: Buffer): string {
  try {
    return decoder.decode(payload);
  } catch {
    throw new Fault('not UTF-8');
  }
}

/** JSON, or a text that does not claim to be any. */
function parse(text: string): unknown {
  if (depthExceeds(text, MAX_DEPTH)) throw new Fault(`JSON nested more than ${MAX_DEPTH} levels deep`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (/^\s*[{[]/.test(text)) throw new Fault('broken JSON');
    return text;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether a character stands in a text more than so many times; a search is native code, and most texts have few. */
function hasMoreThan(limit: number, character: string, text: string): boolean {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0 && count <= limit; at = text.indexOf(character, at + 1)) count++;
  return count > limit;
}

/** Counts brackets outside of strings; a text that is not JSON at all may be counted wrong, which only refuses it. */
function depthExceeds(text: string, limit: number): boolean {
  const half = Math.floor(limit / 2);
  if (!hasMoreThan(half, '{', text) && !hasMoreThan(half, '[', text)) return false;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === BACKSLASH) index++;
    else if (code === QUOTE) inString = !inString;
    // `[` and `{`, `]` and `}` differ by the bit 0x20.
    else if (!inString && (code | 0x20) === 0x7b && ++depth > limit) return true;
    else if (!inString && (code | 0x20) === 0x7d) depth--;
  }
  return false;
}

type Fields = Readonly<Record<string, unknown>>;

function isEnvelope(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.hasOwn(value, 'type') && ENVELOPE_TYPES.has((value as Fields)['type']);
}

/** Data of somebody's own may have a `type`; only an envelope also has what all envelopes have. */
function unknownEnvelope(value: unknown): UnknownEnvelope | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const isText = (name: string): boolean => Object.hasOwn(value, name) && typeof (value as Fields)[name] === 'string';
  if (!['type', 'entity', 'messageId', 'vesselId', 'timestamp'].every(isText)) return undefined;
  return { unknownType: (value as Fields)['type'] as string };
}

/** What the message says of itself without an envelope. */
export function bareChange({ topic, payload, qos, retained }: IncomingMessage): Omit<IncomingChange, 'data'> {
  return {
    form: 'bare',
    topic,
    qos,
    retained,
    replayed: false,
    entity: lastLevelOf(topic),
    operation: undefined,
    key: undefined,
    messageId: undefined,
    vesselId: undefined,
    epoch: undefined,
    sequence: undefined,
    asOf: undefined,
    timestamp: undefined,
    payload,
  };
}

function fromEnvelope({ topic, payload, qos, retained }: IncomingMessage, fields: Fields): IncomingChange {
  const operation = nameIn(fields, 'operation');
  if (operation !== undefined && !(OPERATIONS as readonly string[]).includes(operation))
    throw new Fault(`envelope with a bad "operation": expected one of ${OPERATIONS.join(', ')}`);
  const entity = nameIn(fields, 'entity') ?? lastLevelOf(topic);
  const key = nameIn(fields, 'key');
  const messageId = nameIn(fields, 'messageId');
  const vesselId = nameIn(fields, 'vesselId');
  const epoch = numberIn(fields, 'epoch');
  const sequence = numberIn(fields, 'sequence');
  const replayed = fields['type'] === 'catchup';
  const asOf = replayed ? numberIn(fields, 'asOf', 0) : undefined;
  const isComplete =
    operation !== undefined &&
    messageId !== undefined &&
    vesselId !== undefined &&
    epoch !== undefined &&
    sequence !== undefined;
  if (isComplete && !isEntityType(entity))
    throw new Fault('envelope with a bad "entity": expected [a-z][a-z0-9_]{0,63}');
  // One object, and no copies: this is done for every message.
  return {
    form: isComplete ? 'envelope' : 'older',
    topic,
    qos,
    retained,
    replayed,
    entity,
    operation: operation as Operation | undefined,
    key,
    messageId,
    vesselId,
    epoch,
    sequence,
    asOf,
    timestamp: nameIn(fields, 'timestamp'),
    payload,
    data: Object.hasOwn(fields, 'data') ? fields['data'] : undefined,
  };
}

const lastLevelOf = (topic: string): string => topic.slice(topic.lastIndexOf('/') + 1);

/** A text field; null counts as absent. */
function nameIn(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH) return value;
  throw new Fault(`envelope with a bad "${name}": expected a text of 1 to ${MAX_NAME_LENGTH} characters`);
}

/** A counting number; null counts as absent. */
function numberIn(fields: Fields, name: string, least = 1): number | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw new Fault(`envelope with a bad "${name}": expected a whole number from ${least} on`);
}

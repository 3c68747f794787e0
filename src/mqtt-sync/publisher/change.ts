import { errorText } from '../error-text.js';
import { ChangeInvalidError, ChangeNotSerialisableError, ChangeTooLargeError } from '../errors.js';
import type { MessageDraft } from '../queue/message.js';
import { assertEntityType, type EntityPolicies, type Qos } from '../wire/entity-policies.js';
import { DraftEnvelope, type Operation, OPERATIONS } from '../wire/envelope.js';
import type { Topics } from '../wire/topics.js';
import { FIELD_NAMES, OPTION_NAMES, unknownField, unknownOption } from './known-fields.js';

/** What a caller may say about one change beside its content. */
export interface PublishOptions {
  /** The entity's id; changes of one key keep their order. @default `data.id`, if it is a string or a number */
  readonly key?: string | undefined;
  /** @default the policy of the entity type */
  readonly qos?: Qos | undefined;
  /** @default the policy of the entity type */
  readonly retain?: boolean | undefined;
  /** Makes a repeat of the call recognisable: the same id is accepted once. 1 to 128 visible ASCII characters. @default a new UUIDv7 */
  readonly messageId?: string | undefined;
}

/** One change to publish. */
export interface Change extends PublishOptions {
  /** Entity type, `[a-z][a-z0-9_]{0,63}`. */
  readonly entity: string;
  readonly operation: Operation;
  /** Anything with a JSON form; may be left out of a `delete`. */
  readonly data?: unknown;
}

/** What turns changes into messages. */
export interface DraftContext {
  readonly policies: EntityPolicies;
  readonly topics: Topics;
  readonly vesselId: string;
  readonly maxMessageBytes: number;
  /** The id of a change that was given none. */
  readonly nextMessageId: () => string;
}

/** Makes a message of a change. */
export type Draft = (change: Change, acceptedAt: Moment, context: DraftContext) => MessageDraft;

/** A time in both of its forms. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
}

export const momentOf = (ms: number): Moment => ({ ms, timestamp: new Date(ms).toISOString() });

/** Long enough for any id, short enough for an index. */
const MAX_KEY_CHARACTERS = 256;
const MESSAGE_ID = /^[\x21-\x7e]{1,128}$/;

function invalid(entity: string, what: string): ChangeInvalidError {
  return new ChangeInvalidError(`The change of ${entity} is not valid: ${what}.`, { entity });
}

function toJson(entity: string, operation: Operation, data: unknown): string | undefined {
  if (data === undefined && operation === 'delete') return undefined;
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    // A cycle, a BigInt, a toJSON that throws, or nesting deeper than the stack.
    throw new ChangeNotSerialisableError(
      `The data of the change of ${entity} has no JSON form: ${cause instanceof Error ? errorText(cause).split('\n')[0] : 'unknown'}.`,
      { entity },
      { cause },
    );
  }
  if (json !== undefined) return json;
  throw new ChangeNotSerialisableError(
    data === undefined
      ? `The change of ${entity} has no data: only a delete may go without.`
      : `The data of the change of ${entity} has no JSON form: it is a ${typeof data}.`,
    { entity },
  );
}

/** The id in the data, which may be a getter that throws. */
function idIn(entity: string, data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return undefined;
  try {
    return 'id' in data ? data.id : undefined;
  } catch (cause) {
    throw new ChangeNotSerialisableError(
      `The id in the data of the change of ${entity} cannot be read.`,
      { entity },
      { cause },
    );
  }
}

function keyOf(entity: string, given: unknown, data: unknown): string | undefined {
  const id = given ?? idIn(entity, data);
  const key = typeof id === 'number' && Number.isFinite(id) ? String(id) : id;
  if (typeof key === 'string') {
    if (key.length > 0 && key.length <= MAX_KEY_CHARACTERS) return key;
    throw invalid(entity, `its key must have 1 to ${MAX_KEY_CHARACTERS} characters, it has ${key.length}`);
  }
  if (given !== undefined) throw invalid(entity, 'its key must be a string');
  return undefined;
}

/**
 * Checks that there is nothing in options that nobody would look at. An object from JavaScript may have anything, and so may
 * one from TypeScript that has another type, too.
 * @throws {ChangeInvalidError}
 */
export function assertOptions(options: PublishOptions): void {
  if (typeof options !== 'object') throw new ChangeInvalidError('The options of a change must be an object.');
  const unknown = unknownOption(options);
  if (unknown === undefined) return;
  throw new ChangeInvalidError(`The options of a change are not valid: ${unknownNames(unknown, OPTION_NAMES)}.`);
}

function assertFields(change: Change): void {
  if (typeof change !== 'object' || change === null) throw new ChangeInvalidError('A change must be an object.');
  const unknown = unknownField(change);
  if (unknown === undefined) return;
  throw new ChangeInvalidError(`A change is not valid: ${unknownNames(unknown, FIELD_NAMES)}.`);
}

function unknownNames(name: string, known: readonly string[]): string {
  return `unknown field ${JSON.stringify(name.slice(0, 40))}; known are ${known.join(', ')}`;
}

function checkOptions(entity: string, { qos, retain, messageId }: PublishOptions): void {
  if (qos !== undefined && ![0, 1, 2].includes(qos)) throw invalid(entity, 'its qos must be 0, 1 or 2');
  if (retain !== undefined && typeof retain !== 'boolean') throw invalid(entity, 'its retain must be true or false');
  if (messageId !== undefined && (typeof messageId !== 'string' || !MESSAGE_ID.test(messageId))) {
    throw invalid(entity, 'its messageId must have 1 to 128 visible ASCII characters');
  }
}

/**
 * Checks a change and serialises it, once and at once: what happens to the data afterwards does not matter.
 * @param acceptedAt when that is
 * @throws {EntityTypeInvalidError | ChangeInvalidError | ChangeNotSerialisableError | ChangeTooLargeError}
 */
export const draftMessage: Draft = (change, acceptedAt, context) => {
  assertFields(change);
  return draftKnown(change, acceptedAt, context);
};

/** The same for a change that was put together here, field by field. */
export const draftKnown: Draft = (change, acceptedAt, context) => {
  const { entity, operation, data } = change;
  assertEntityType(entity);
  if (!OPERATIONS.includes(operation)) throw invalid(entity, `its operation must be one of ${OPERATIONS.join(', ')}`);
  checkOptions(entity, change);
  const policy = context.policies.of(entity);
  const key = keyOf(entity, change.key, data);
  const messageId = change.messageId ?? context.nextMessageId();
  const { vesselId, maxMessageBytes } = context;
  const { timestamp } = acceptedAt;
  const dataJson = toJson(entity, operation, data);
  const envelope = new DraftEnvelope({ entity, operation, key, messageId, vesselId, timestamp, dataJson });
  if (envelope.maxBytes > maxMessageBytes) throw new ChangeTooLargeError(envelope.maxBytes, maxMessageBytes, entity);
  return {
    entity,
    operation,
    key,
    messageId,
    idIsGiven: change.messageId !== undefined,
    topic: context.topics.ofEntity(entity),
    qos: change.qos ?? policy.qos,
    retain: change.retain ?? policy.retain,
    lane: policy.lane,
    acceptedAtMs: acceptedAt.ms,
    envelope,
  };
};

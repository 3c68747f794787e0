import type { Change } from '../../mqtt-sync/publisher/change.js';
import { FIELD_NAMES } from '../../mqtt-sync/publisher/known-fields.js';
import type { Operation } from '../../mqtt-sync/wire/envelope.js';
import type { Qos } from '../../mqtt-sync/wire/entity-policies.js';
import { ProblemException } from '../http/problem.js';

const REQUIRED = ['entity', 'operation'];
const FIELDS: readonly string[] = FIELD_NAMES;
/** As many unknown fields as an error names. */
const NAMED_FIELDS = 5;
const SHOWN_CHARACTERS = 40;

/** As many changes as one request may bring: they are checked in one go, during which nothing else runs. */
export const MAX_CHANGES = 1000;

/**
 * Takes one change out of a parsed body. Only the shape is looked at: what the fields may be is checked by `publish()`.
 * @throws {ProblemException} 400
 */
export function toChange(value: unknown, index?: number): Change {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('a change must be an object', index);
  }
  const names = Object.keys(value);
  const unknown = names.filter((name) => !FIELDS.includes(name));
  if (unknown.length > 0) throw wrong(`unknown field ${quoted(unknown)}; known are ${FIELDS.join(', ')}`, index);
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0) throw wrong(`${missing.join(' and ')} missing`, index);
  // Field by field: the object may have whatever prototype keys its sender liked.
  const { entity, operation, key, data, qos, retain, messageId } = value as Record<string, unknown>;
  return {
    entity: entity as string,
    operation: operation as Operation,
    key: key as string | undefined,
    data,
    qos: qos as Qos | undefined,
    retain: retain as boolean | undefined,
    messageId: messageId as string | undefined,
  };
}

/**
 * Takes the changes out of a body that is an array.
 * @throws {ProblemException} 400 with the index of the first change that is wrong, 413 too many.
 */
export function toChanges(values: readonly unknown[]): Change[] {
  if (values.length === 0) throw wrong('the array is empty');
  if (values.length > MAX_CHANGES) {
    throw new ProblemException(413, {
      code: 'TOO_MANY_CHANGES',
      detail: `The array has ${values.length} changes; send at most ${MAX_CHANGES} at once.`,
    });
  }
  return values.map(toChange);
}

function wrong(what: string, index?: number): ProblemException {
  const where = index === undefined ? 'The change is not valid' : `The change at index ${index} is not valid`;
  return new ProblemException(400, { code: 'CHANGE_INVALID', detail: `${where}: ${what}.`, index });
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, NAMED_FIELDS).map((name) => JSON.stringify(name.slice(0, SHOWN_CHARACTERS)));
  return shown.join(', ') + (names.length > shown.length ? ` and ${names.length - shown.length} more` : '');
}

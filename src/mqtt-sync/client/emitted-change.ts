import { MqttRecord } from '@nestjs/microservices';
import { ChangeInvalidError } from '../errors.js';
import type { Change } from '../publisher/change.js';
import { FIELD_NAMES } from '../publisher/known-fields.js';

/** What a payload may have that says itself what kind of change it is. */
const FIELDS: readonly string[] = FIELD_NAMES.filter((name) => name !== 'entity');

/**
 * Makes a change of what `ClientProxy.emit()` was given.
 *
 * - `{ operation, key?, data?, qos?, retain?, messageId? }`, with nothing else in it: that change.
 * - A `MqttRecord`: its data, with its QoS and retain flag; its other options mean nothing here.
 * - Anything else: an `update` whose data it is.
 *
 * @param entity the pattern; checked by the publisher
 * @throws {ChangeInvalidError} it could be meant either way, or is nothing.
 */
export function changeOf(entity: string, payload: unknown): Change {
  if (payload instanceof MqttRecord) {
    const { qos, retain } = payload.options ?? {};
    return {
      ...(qos !== undefined && { qos }),
      ...(retain !== undefined && { retain }),
      ...changeOf(entity, payload.data),
    };
  }
  if (payload === undefined || payload === null) {
    throw unclear(entity, 'there is no payload. For a delete, emit { operation: "delete", key }');
  }
  if (typeof payload !== 'object' || Array.isArray(payload)) return { entity, operation: 'update', data: payload };
  const fields = Object.keys(payload);
  const others = fields.filter((field) => !FIELDS.includes(field));
  if (!fields.includes('operation')) {
    if (fields.includes('data') && others.length === 0) {
      throw unclear(entity, 'it has "data" and no "operation": add one, or wrap all of it as { operation, data }');
    }
    return { entity, operation: 'update', data: payload };
  }
  if (others.length === 0) return { ...(payload as Omit<Change, 'entity'>), entity };
  throw unclear(
    entity,
    `it has an "operation", and fields that no change has (${others.slice(0, 3).join(', ').slice(0, 80)}): ` +
      'if it is the data of a change, emit { operation: "update", data: ... } with it',
  );
}

function unclear(entity: string, what: string): ChangeInvalidError {
  return new ChangeInvalidError(`What was emitted for ${String(entity).slice(0, 80)} is not clear: ${what}.`, {
    entity,
  });
}

import type { Change } from '../../../src/mqtt-sync/publisher/change.js';
import { OPERATIONS } from '../../../src/mqtt-sync/wire/envelope.js';

/** Types of every lane and default QoS, built-in ones and one that nobody configured. */
export const ENTITIES = ['work_orders', 'alerts', 'equipment', 'crew', 'maintenance', 'engine_log'] as const;

/** What the data of a test's change says of itself; the oracle reads it. */
export interface ChangeData {
  /** Who called `publish()`. */
  readonly ship: string;
  /** Number of the call in the life of that ship, over all entity types and keys. */
  readonly call: number;
  readonly text: string;
}

/** Which change to make. */
export interface ChangeRequest {
  readonly ship: string;
  readonly call: number;
  /** Names a key, and with it the entity type. Calls with one number order as one. */
  readonly keyNumber: number;
  /** Characters of padding. @default 80 */
  readonly size?: number;
}

/** 1 or 2, in no pattern that could coincide with that of the keys (multiplicative hash of the call, its top bit). */
const mixedQos = (call: number): 1 | 2 => (Math.imul(call, 0x9e3779b1) < 0 ? 2 : 1);

/**
 * A change whose content depends on nothing but the request. Of every four keys one mixes QoS 1 and 2 from call to
 * call, so that an order that MQTT itself does not keep is put to the test as well.
 */
export function changeOf({ ship, call, keyNumber, size = 80 }: ChangeRequest): Change {
  const entity = ENTITIES[keyNumber % ENTITIES.length]!;
  const data: ChangeData = { ship, call, text: `${call} é😀 ${'x'.repeat(size)}` };
  return {
    entity,
    operation: OPERATIONS[call % OPERATIONS.length]!,
    key: `key-${keyNumber}`,
    data,
    ...(keyNumber % 4 === 0 && { qos: mixedQos(call) }),
  };
}

import { v7 as uuidv7 } from 'uuid';

/** Consecutive changes are of different entities, as on a ship; order is kept within one. */
const KEYS = 1000;

export const TOPIC_PREFIX = 'vessel/sync';
export const VESSEL_ID = 'mv-bench';

/** The object that an application would publish; the same for every contender. */
export function changeData(number: number) {
  return {
    id: `WO-${String(number).padStart(7, '0')}`,
    title: 'Replace fuel injector',
    status: 'open',
    priority: 'high',
    assignedTo: 'second engineer',
    note: 'Cylinder 4 runs 30 degrees hotter than the others; '.repeat(2),
  };
}

export function keyOf(number: number): string {
  return `k${number % KEYS}`;
}

/** What somebody who uses MQTT.js alone would send: an envelope with the same fields, of the same size. */
export function plainEnvelope(entity: string, number: number): string {
  return JSON.stringify({
    type: 'data_change',
    entity,
    operation: 'update',
    key: keyOf(number),
    messageId: uuidv7(),
    vesselId: VESSEL_ID,
    timestamp: new Date().toISOString(),
    epoch: 1_795_485_600,
    sequence: number + 1,
    data: changeData(number),
  });
}

export function topicOf(entity: string): string {
  return `${TOPIC_PREFIX}/${entity}`;
}

/** The entity type that the load is of, and the one whose only message tells that all before it have arrived. */
export const LOAD = 'work_orders';
export const MARKER = 'markers';

import type { QueuedMessage } from '../../src/mqtt-sync/queue/message.js';

/** A message of the queue as a test needs it. */
export function queuedMessage(fields: Partial<QueuedMessage> = {}): QueuedMessage {
  const position = fields.position ?? 1;
  return {
    position,
    entity: 'work_orders',
    operation: 'update',
    key: undefined,
    messageId: `m${position}`,
    topic: 'vessel/sync/work_orders',
    qos: 1,
    retain: true,
    acceptedAtMs: 0,
    lane: 'normal',
    sequence: position,
    payload: Buffer.from('{}'),
    ...fields,
  };
}

import { v7 as uuidv7 } from 'uuid';
import type { HealthDocument } from '../../health/health-document.js';

/** Its own entity type, so that a probe is nobody's data. */
export const PROBE_ENTITY = 'smoke_probe';

/** One change to send through. Not retained: nothing is left at the broker. */
export function newProbe() {
  const messageId = uuidv7();
  return {
    entity: PROBE_ENTITY,
    operation: 'create',
    key: 'smoke',
    data: { id: 'smoke' },
    qos: 1,
    retain: false,
    messageId,
  };
}

export type Probe = ReturnType<typeof newProbe>;

/** Where the probe arrives: beside the known topics that the health document lists. */
export function probeTopic({ mqtt }: HealthDocument): string {
  const known = mqtt.topics.find((topic) => topic.endsWith('/system'));
  if (known === undefined) throw new Error('the health document lists no topics');
  return known.replace(/system$/, PROBE_ENTITY);
}

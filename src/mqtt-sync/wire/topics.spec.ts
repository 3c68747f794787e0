import { describe, expect, it } from 'vitest';
import { Topics } from './topics.js';

describe('Topics', () => {
  const topics = new Topics('vessel/sync', 'mv-aurora');

  it('puts every entity type under the prefix', () => {
    expect(topics.ofEntity('work_orders')).toBe('vessel/sync/work_orders');
    expect(topics.ofEntity('fuel_log')).toBe('vessel/sync/fuel_log');
  });

  it('shares one topic between maintenance and its schedules', () => {
    expect(topics.ofEntity('maintenance')).toBe('vessel/sync/maintenance');
    expect(topics.ofEntity('maintenance_schedules')).toBe('vessel/sync/maintenance');
  });

  it('takes an entity type for no more than its name, whatever objects have under it', () => {
    expect(topics.ofEntity('constructor')).toBe('vessel/sync/constructor');
    expect(topics.catchUpOf('constructor')).toBe('vessel/sync/catchup/constructor');
  });

  it('keeps status and gaps apart by vessel', () => {
    expect(topics.status).toBe('vessel/sync/system/status/mv-aurora');
    expect(topics.gap).toBe('vessel/sync/system/gap/mv-aurora');
  });

  it('fills the vessel id into the prefix, wherever it stands', () => {
    expect(new Topics('fleet/{vesselId}/out', 'a1').ofEntity('crew')).toBe('fleet/a1/out/crew');
  });

  it('knows eight topics', () => {
    expect(topics.known).toHaveLength(8);
  });
});

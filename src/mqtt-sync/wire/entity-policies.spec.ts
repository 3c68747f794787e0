import { describe, expect, it } from 'vitest';
import { EntityTypeInvalidError } from '../errors.js';
import { assertEntityType, EntityPolicies } from './entity-policies.js';

describe('EntityPolicies', () => {
  it('sends alerts with QoS 2 in the critical lane, and everything else with QoS 1 in the normal one', () => {
    const policies = new EntityPolicies();
    expect(policies.of('alerts')).toEqual({ qos: 2, retain: true, lane: 'critical' });
    for (const entity of ['work_orders', 'equipment', 'crew', 'maintenance', 'conflicts', 'fuel_log']) {
      expect(policies.of(entity)).toEqual({ qos: 1, retain: true, lane: 'normal' });
    }
  });

  it('changes only what the options name', () => {
    const policies = new EntityPolicies({ alerts: { retain: false }, telemetry: { lane: 'bulk', qos: 0 } });
    expect(policies.of('alerts')).toEqual({ qos: 2, retain: false, lane: 'critical' });
    expect(policies.of('telemetry')).toEqual({ qos: 0, retain: true, lane: 'bulk' });
  });
});

describe('assertEntityType', () => {
  it.each(['a', 'work_orders', 'x9', 'a'.repeat(64), 'constructor'])('takes %s', (entity) => {
    expect(() => assertEntityType(entity)).not.toThrow();
  });

  it.each([
    '',
    'Work',
    '9a',
    '_a',
    'a-b',
    'a/b',
    'a+',
    '#',
    'a\0',
    'a'.repeat(65),
    '__proto__',
    'system',
    'catchup',
    7,
    null,
  ])('refuses %s', (entity) => {
    expect(() => assertEntityType(entity)).toThrow(EntityTypeInvalidError);
  });

  it('does not repeat a long name in full', () => {
    expect(() => assertEntityType('x-'.repeat(5000))).toThrow(/^.{0,300}$/);
  });
});

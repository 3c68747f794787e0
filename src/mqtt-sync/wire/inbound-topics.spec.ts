import { describe, expect, it } from 'vitest';
import { InboundTopics } from './inbound-topics.js';
import { matchesFilter } from './topic-filter.js';

describe('a topic filter', () => {
  it.each([
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['+/b', '/b', true],
    ['#', '$SYS/uptime', false],
    ['+/uptime', '$SYS/uptime', false],
    ['$SYS/#', '$SYS/uptime', true],
  ])('%s matches %s: %s', (filter, topic, matches) => {
    expect(matchesFilter(filter, topic)).toBe(matches);
  });
});

describe('the topics that changes come in on', () => {
  const topics = new InboundTopics('vessel/sync', 'shore');

  it('are those of the entity type, as it happens and sent again', () => {
    expect(topics.filtersOf('crew')).toEqual(['vessel/sync/crew', 'vessel/sync/catchup/crew']);
    expect(topics.filtersOf('maintenance_schedules')[0]).toBe('vessel/sync/maintenance');
    expect(topics.filtersOf('#')).toEqual(['vessel/sync/+', 'vessel/sync/catchup/+']);
  });

  it.each([
    ['vessel/sync/crew', 'changes'],
    ['vessel/sync/catchup/crew', 'changes'],
    ['vessel/sync/catchup/request', 'service'],
    ['vessel/sync/system/gap/mv-ship', 'service'],
    ['vessel/sync/system', 'service'],
    ['vessel/other/crew', undefined],
  ])('%s carries %s', (topic, use) => {
    expect(topics.useOf(topic)).toBe(use);
  });

  it('can be those of every ship, or of this vessel alone', () => {
    const every = new InboundTopics('vessel/+/up', 'shore');
    expect(every.filtersOf('crew')[0]).toBe('vessel/+/up/crew');
    expect(every.useOf('vessel/mv-a/up/crew')).toBe('changes');
    expect(every.useOf('vessel/mv-a/up/system/status/mv-a')).toBe('service');
    expect(new InboundTopics('vessel/{vesselId}/down', 'mv-a').filtersOf('crew')[0]).toBe('vessel/mv-a/down/crew');
  });
});

describe('a topic that names a vessel and an entity type', () => {
  const ofEvery = new InboundTopics('fleet/+/+/up', 'shore');
  const change = (vesselId: string | undefined, entity = 'crew') => ({
    ...{ topic: 'fleet/north/mv-a/up/crew', vesselId, entity },
  });

  it('is contradicted by an envelope of another vessel, not by one that names none', () => {
    expect(ofEvery.contradiction(change('mv-a'))).toBeUndefined();
    expect(ofEvery.contradiction(change(undefined))).toBeUndefined();
    expect(ofEvery.contradiction(change('mv-b'))).toMatch(/vesselId is "mv-b"/);
    // The own id in the prefix says who receives, not who sends.
    const toThis = new InboundTopics('vessel/{vesselId}/down', 'mv-a');
    expect(toThis.contradiction({ ...change('shore'), topic: 'vessel/mv-a/down/crew' })).toBeUndefined();
  });

  it('is contradicted by an envelope of another entity type, not by one that shares its topic', () => {
    const on = (topic: string, entity: string) => ofEvery.contradiction({ topic, entity, vesselId: undefined });
    expect(on('fleet/north/mv-a/up/crew', 'alerts')).toMatch(/entity type is "alerts"/);
    expect(on('fleet/north/mv-a/up/catchup/crew', 'alerts')).toBeDefined();
    expect(on('fleet/north/mv-a/up/catchup/crew', 'crew')).toBeUndefined();
    expect(on('fleet/north/mv-a/up/maintenance', 'maintenance_schedules')).toBeUndefined();
    expect(on('fleet/north/mv-a/up/maintenance_schedules', 'maintenance_schedules')).toBeUndefined();
  });

  it('is not compared where + stands for something else', () => {
    const unchecked = new InboundTopics('fleet/+/+/up', 'shore', false);
    expect(unchecked.contradiction(change('mv-b'))).toBeUndefined();
    expect(unchecked.contradiction(change('mv-b', 'alerts'))).toBeDefined();
  });

  it.each([
    ['fleet/north/mv-a/up/system/gap/mv-a', false],
    ['fleet/north/mv-a/up/system/gap/mv-b', true],
    ['fleet/north/mv-a/up/system/status/mv-b', true],
    ['fleet/north/mv-a/up/crew', false],
  ])('%s speaks of another vessel: %s', (topic, is) => {
    expect(ofEvery.speaksOfAnother(topic)).toBe(is);
  });
});

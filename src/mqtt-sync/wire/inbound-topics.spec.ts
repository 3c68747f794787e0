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

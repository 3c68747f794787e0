import { describe, expect, it } from 'vitest';
import type { QueueSummary } from '../target/queue-target.js';
import { statusFacts } from './status-facts.js';

const EMPTY = { open: true, messages: 0, bytes: 0, oldestAgeS: 0, inFlight: 0, utilizationPercent: 0 };

const IDLE = { state: 'idle', connected: false };

/** A service that is well, but for some of it. */
function summaryOf(
  changed: {
    readonly [
      Section in 'health' | 'connection' | 'queue' | 'counts' | 'lostBefore' | 'paused' | 'subscriptions'
    ]?: object;
  } = {},
): QueueSummary {
  const well = {
    service: { version: '1.2.3', vesselId: 'mv-test', epoch: 7, startedAt: '2026-03-01T04:00:00Z' },
    health: { status: 'healthy', reasons: [], accepting: true, ...changed.health },
    connection: {
      ...{ state: 'connected', connected: true, since: '2026-03-01T04:00:01Z', broker: 'mqtt://b', protocol: '5' },
      ...changed.connection,
    },
    queue: { ...EMPTY, deadLetters: 0, storesAside: 0, durable: true, ...changed.queue },
    counts: {
      ...{ delivered: 5, dropped: 0, missing: 0, deadLettered: 0, possibleDuplicates: 0 },
      ...{ deadLettersDiscarded: { too_many: 0, by_hand: 0 }, ...changed.counts },
    },
    lostBefore: { count: 0, knownSince: '2026-02-01T04:00:00Z', ...changed.lostBefore },
    gaps: { untold: 0, ranges: [] },
    subscriptions: { requests: [], incoming: 0, incomingRefused: [], ...changed.subscriptions },
    paused: { count: 0, types: [], ...changed.paused },
  };
  return well as unknown as QueueSummary;
}

const labelled = (summary: QueueSummary) => new Map(statusFacts(summary));

describe('what `status` says', () => {
  it('has nothing of damage, pauses and refusals, as long as there is none', () => {
    expect([...labelled(summaryOf()).keys()]).toEqual([
      ...['connection', 'queue', 'dead letters', 'gaps', 'since start', 'service'],
    ]);
  });

  it('has no word of a queue in memory while sync is off', () => {
    const off = labelled(
      summaryOf({ queue: { open: false, durable: false }, health: { reasons: ['local_mode_off'] }, connection: IDLE }),
    );
    expect(off.get('queue')).toMatch(/^not in use: sync is off \(LOCAL_MODE is false\)/);
    for (const label of ['dead letters', 'gaps']) expect(off.get(label)).toBe('not in use: sync is off');
    expect(off.get('connection')).toMatch(/^idle, not connected .*: sync is off$/);
    const inMemory = summaryOf({ queue: { durable: false } });
    expect(labelled(inMemory).get('queue')).toBe('empty, in memory, lost with a restart');
  });

  it('has no word of what is in a queue that is not open: thousands of messages may lie in the folder', () => {
    const unknown = labelled(
      summaryOf({
        queue: { open: false },
        health: { status: 'degraded', accepting: false, unavailableReason: 'the queue is not open' },
        connection: IDLE,
      }),
    );
    for (const label of ['queue', 'dead letters', 'gaps']) {
      expect(unknown.get(label)).toBe('unknown: the queue is not open');
    }
    expect(unknown.get('connection')).toMatch(/^idle, not connected .*: it waits for the queue$/);
  });

  it('has a damaged store that was set aside, and messages that a damaged store has lost', () => {
    const facts = labelled(summaryOf({ queue: { storesAside: 1 }, counts: { missing: 1200 } }));
    expect(facts.get('damaged stores')).toMatch(/^1, not delivered \(.*ArusSyncStoreSetAside\)$/);
    expect(facts.get('missing')).toMatch(/^1,200 messages not found .*\(.*ArusSyncStoreMessagesMissing\)$/);
  });

  it('calls dead letters dead letters', () => {
    const counts = { deadLettered: 3, deadLettersDiscarded: { too_many: 0, by_hand: 1 } };
    expect(labelled(summaryOf({ counts })).get('since start')).toMatch(/, 3 dead letters, 1 dead letter given up$/);
    expect(labelled(summaryOf()).get('since start')).toMatch(/ 0 dropped, 0 dead letters$/);
  });

  it('has what was lost before the start', () => {
    const lostBefore = { count: 1200, lastAt: '2026-02-28T04:00:00Z' };
    expect(labelled(summaryOf({ lostBefore })).get('before')).toBe(
      '1,200 changes lost since 2026-02-01T04:00:00Z, the last one at 2026-02-28T04:00:00Z',
    );
  });

  it('has the entity types that the broker holds back, with since when and why', () => {
    const type = (entity: string) => ({ entity, since: '2026-03-01T04:10:00Z', reason: 'Quota exceeded (0x97)' });
    const paused = { count: 60, types: [type('work_orders'), type('alerts')] };
    expect(labelled(summaryOf({ paused })).get('held back')).toBe(
      'work_orders since 2026-03-01T04:10:00Z: Quota exceeded (0x97); ' +
        'alerts since 2026-03-01T04:10:00Z: Quota exceeded (0x97); and 58 more (see docs/operations.md, ArusSyncHeldBack)',
    );
  });

  it('has the subscriptions that the broker refuses, with what does not come in', () => {
    const requests = [
      { filter: 'v/catchup/request', state: 'granted' },
      { filter: 'v/catchup/request/mv-test', state: 'refused' },
    ];
    const subscriptions = { requests, incoming: 1, incomingRefused: ['shore/crew'] };
    expect(labelled(summaryOf({ subscriptions })).get('refused')).toBe(
      'shore/crew (incoming changes), v/catchup/request/mv-test (requests for changes again)',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { fingerprint } from '../faults/oracle/fingerprint.js';
import { Oracle } from '../faults/oracle/oracle.js';
import { expectBalanced } from '../faults/oracle/report.js';
import { changeOf } from '../faults/ship/changes.js';
import type { Change } from '../../src/mqtt-sync/publisher/change.js';
import { referencedBytes } from '../helpers/heap.js';

interface Message extends Change {
  readonly messageId: string;
  readonly vesselId: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** Messages of a run in which nothing goes wrong: two keys of one entity type. */
function voyage(count: number): Message[] {
  return Array.from({ length: count }, (_, call) => ({
    ...changeOf({ ship: 'one', call, keyNumber: call % 2 === 0 ? 6 : 12 }),
    ...{ messageId: `id-${call}`, vesselId: 'mv-test', epoch: 7, sequence: call + 1 },
  }));
}

function obliging(messages: readonly Message[]): Oracle {
  const oracle = new Oracle();
  for (const message of messages) oracle.oblige({ ...message, fingerprint: fingerprint(message) });
  return oracle;
}

/** What the oracle finds when these are accepted and those arrive. */
function findings(accepted: readonly Message[], arriving: readonly Message[], everyArrivalIsPromised = false) {
  const oracle = obliging(accepted);
  for (const message of arriving) oracle.arrived(message);
  return reportOf(oracle, everyArrivalIsPromised);
}

function reportOf(oracle: Oracle, everyArrivalIsPromised = false) {
  const report = oracle.report({ name: 'a voyage', everyArrivalIsPromised });
  return { ...report, kinds: report.findings.map(({ kind }) => kind) };
}

function swapped(messages: readonly Message[], one: number, other: number): Message[] {
  const copy = [...messages];
  [copy[one], copy[other]] = [messages[other]!, messages[one]!];
  return copy;
}

describe('The oracle', () => {
  it('balances when everything arrives, in order and once', () => {
    const messages = voyage(10);
    const report = findings(messages, messages, true);
    expect(report).toMatchObject({ accepted: 10, delivered: 10, lost: 0, kinds: [] });
    expect(() => expectBalanced(report)).not.toThrow();
  });

  it('balances when everything arrives before it is known to be accepted', () => {
    const messages = voyage(10);
    const oracle = new Oracle();
    for (const message of messages) oracle.arrived(message);
    for (const message of messages) oracle.oblige({ ...message, fingerprint: fingerprint(message) });
    expect(reportOf(oracle, true)).toMatchObject({ accepted: 10, delivered: 10, kinds: [] });
  });

  it('finds a single loss among many, and names it', () => {
    const messages = voyage(10_000);
    const report = findings(messages, messages.toSpliced(4711, 1));
    expect(report).toMatchObject({ accepted: 10_000, delivered: 9_999, lost: 1, kinds: ['lost'] });
    expect(() => expectBalanced(report)).toThrow(/1 x lost\n.*id-4711 \(work_orders 4712\)/);
  });

  it('finds a swap within a key, and none between keys', () => {
    const messages = voyage(10);
    expect(findings(messages, swapped(messages, 2, 4))).toMatchObject({ reordered: 1, lost: 0, kinds: ['reordered'] });
    expect(findings(messages, swapped(messages, 2, 3))).toMatchObject({ reordered: 0, kinds: [] });
  });

  it('finds a swap that the sequence numbers hide: numbered in another order than called', () => {
    const messages = voyage(4);
    const [first, third] = [messages[0]!, messages[2]!];
    const misnumbered = [{ ...third, sequence: 1 }, messages[1]!, { ...first, sequence: 3 }, messages[3]!];
    expect(findings(misnumbered, misnumbered)).toMatchObject({ reordered: 1, kinds: ['reordered'] });
  });

  it('orders a change without a key with its whole entity type', () => {
    const messages = voyage(3).map((message, index) => (index === 1 ? { ...message, key: undefined } : message));
    expect(findings(messages, swapped(messages, 0, 1))).toMatchObject({ reordered: 1 });
    expect(findings(messages, swapped(messages, 1, 2))).toMatchObject({ reordered: 1 });
  });

  it('finds a changed payload, key, entity type and sequence', () => {
    const messages = voyage(4);
    const arriving = [
      { ...messages[0]!, data: { ...(messages[0]!.data as object), text: 'other' } },
      { ...messages[1]!, key: 'other' },
      { ...messages[2]!, entity: 'other' },
      { ...messages[3]!, sequence: 5 },
    ];
    expect(findings(messages, arriving)).toMatchObject({ changed: 4, lost: 0, kinds: ['changed'] });
  });

  it('finds a repeat that comes with another content', () => {
    const messages = voyage(2);
    expect(findings(messages, [...messages, { ...messages[0]!, data: 1 }])).toMatchObject({ changed: 1 });
  });

  it('counts a repeat under the same id as what a receiver removes', () => {
    const messages = voyage(4);
    const report = findings(messages, [...messages, ...messages.slice(1)]);
    expect(report).toMatchObject({ duplicatesOnWire: 3, repeatedAfterDedup: 0, reordered: 0, kinds: [] });
  });

  it('tells how many messages came again, however often each did', () => {
    const messages = voyage(4);
    const oracle = new Oracle();
    for (const message of [...messages, messages[1]!, messages[1]!, messages[2]!]) oracle.arrived(message);
    expect(oracle.arrivedAgain).toBe(2);
  });

  it('finds the same change under another id: by its sequence, and by its call', () => {
    const messages = voyage(4);
    const copy = { ...messages[3]!, messageId: 'copy' };
    for (const repeat of [
      { ...copy, data: undefined },
      { ...copy, sequence: 5 },
    ]) {
      const report = findings(messages, [...messages, repeat]);
      expect(report).toMatchObject({ repeatedAfterDedup: 1, kinds: ['repeated_after_deduplication'] });
    }
  });

  it('accounts for what was dropped and set aside, with the reasons', () => {
    const messages = voyage(6);
    const oracle = obliging(messages);
    for (const message of messages.slice(3)) oracle.arrived(message);
    oracle.dropped('id-0', 'queue_full');
    oracle.deadLettered('id-1', 'refused');
    expect(oracle.isSettled).toBe(false);
    oracle.gap('work_orders', [{ from: 1, to: 1, reason: 'dropped' }]);
    oracle.gap('work_orders', [{ from: 3, to: 3, reason: 'discarded' }]);
    expect(oracle.isSettled).toBe(true);
    const reasons = { queue_full: 1, refused: 1, discarded: 1 };
    expect(reportOf(oracle)).toMatchObject({ lost: 0, dropped: 1, deadLettered: 2, reasons, kinds: [] });
  });

  it('finds a message that was told to be gone and came after all', () => {
    const messages = voyage(2);
    const oracle = obliging(messages);
    oracle.gap('work_orders', [{ from: 2, to: 2, reason: 'dropped' }]);
    for (const message of messages) oracle.arrived(message);
    expect(reportOf(oracle)).toMatchObject({ dropped: 0, kinds: ['told_gone_but_arrived'] });
  });

  it('lets a message arrive that nobody was told of only where a process was killed', () => {
    const messages = voyage(3);
    expect(findings(messages.slice(1), messages)).toMatchObject({ unpromised: 1, kinds: [] });
    expect(findings(messages.slice(1), messages, true)).toMatchObject({ kinds: ['unpromised'] });
  });

  it('asks nothing of QoS 0: neither arrival nor order', () => {
    const messages = voyage(3);
    const oracle = obliging(messages.slice(2));
    oracle.arrived(messages[2]!);
    oracle.arrived({ ...messages[0]!, qos: 0 });
    expect(reportOf(oracle, true)).toMatchObject({ accepted: 1, unpromised: 0, kinds: [] });
  });

  it('finds each counter that disagrees, and whose it is', () => {
    const messages = voyage(5);
    const oracle = obliging(messages);
    for (const message of messages.slice(2)) oracle.arrived(message);
    oracle.dropped('id-0', 'queue_full');
    oracle.deadLettered('id-1', 'refused');
    oracle.counters({ source: 'Prometheus', published: 3, dropped: 1, deadLettered: 1, depth: 0 });
    oracle.counters({ source: 'SyncStatistics', published: 4, dropped: 0, deadLettered: 2, depth: 1 });
    const [finding] = reportOf(oracle).findings;
    expect(finding).toEqual({
      kind: 'counter',
      count: 4,
      examples: [
        'SyncStatistics: published is 4, and should be 3',
        'SyncStatistics: dropped is 0, and should be 1',
        'SyncStatistics: deadLettered is 2, and should be 1',
        'SyncStatistics: depth is 1, and should be 0',
      ],
    });
  });

  it('does not take a run without a single message for a proof', () => {
    expect(findings([], [])).toMatchObject({ kinds: ['nothing_accepted'] });
  });

  it('keeps a few hundred bytes a message, whatever the messages weigh', () => {
    const count = 30_000;
    const before = referencedBytes();
    const oracle = new Oracle();
    for (let call = 0; call < count; call++) {
      const change = changeOf({ ship: 'one', call, keyNumber: call % 60, size: 1000 });
      const known = { ...change, messageId: `id-${call}`, vesselId: 'mv-test', epoch: 7, sequence: call + 1 };
      oracle.oblige({ ...known, fingerprint: fingerprint(known) });
      oracle.arrived(known);
    }
    const grown = referencedBytes() - before;
    expect(grown / count).toBeLessThan(1000);
    expect(reportOf(oracle)).toMatchObject({ accepted: count, delivered: count, kinds: [] });
  });
});

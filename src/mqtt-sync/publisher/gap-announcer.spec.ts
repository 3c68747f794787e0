import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import type { GapEnvelope } from '../wire/envelope.js';
import { SequenceRanges, type SequenceRange } from '../wire/sequence-ranges.js';
import type { ControlMessage } from './delivery-session.js';
import { GapAnnouncer } from './gap-announcer.js';

const NO_LIMIT = 268_435_460;

describe('GapAnnouncer', () => {
  let clock: FakeClock;
  let sent: ControlMessage[];
  let gaps: Map<string, SequenceRanges>;
  let announcer: GapAnnouncer;

  beforeEach(() => {
    clock = new FakeClock();
    sent = [];
    gaps = new Map();
    const queue = {
      gaps: () => new Map([...gaps].map(([entity, ranges]) => [entity, ranges.toArray()])),
      forgetGaps: (entity: string, ranges: readonly SequenceRange[]) => gaps.get(entity)?.remove(ranges),
    };
    const identity = { vesselId: 'v', epoch: 1 };
    announcer = new GapAnnouncer('gap', identity, queue, (control) => sent.push(control), clock, silentLogger);
  });

  const lose = (entity: string, ...sequences: number[]) => {
    const ranges = gaps.get(entity) ?? new SequenceRanges();
    for (const sequence of sequences) ranges.add(sequence, 'dropped');
    gaps.set(entity, ranges);
  };
  const told = (control: ControlMessage) => JSON.parse(control.payload.toString()) as GapEnvelope;

  it('tells at the connect, once per entity type, and forgets what the broker acknowledged', () => {
    lose('crew', 1, 2, 3);
    lose('alerts', 7);
    announcer.connected(NO_LIMIT);
    expect(sent.map((control) => told(control).entity)).toEqual(['crew', 'alerts']);
    expect(told(sent[0]!).data.ranges).toEqual([{ from: 1, to: 3, reason: 'dropped' }]);
    sent[0]!.settled('acknowledged');
    expect(gaps.get('crew')?.isEmpty).toBe(true);
    expect(gaps.get('alerts')?.isEmpty).toBe(false);
  });

  it('tells at most every 10 s', () => {
    announcer.connected(NO_LIMIT);
    for (let second = 1; second <= 25; second++) {
      lose('crew', second);
      clock.advance(1000);
      for (const control of sent.splice(0)) {
        expect(second % 10).toBe(0);
        control.settled('acknowledged');
      }
    }
    expect(gaps.get('crew')?.count).toBe(5);
  });

  it('keeps what the broker refuses in passing, tells it again 10 s later, and does not say that it may not', () => {
    lose('crew', 1);
    announcer.connected(NO_LIMIT);
    sent[0]!.settled('refused_in_passing');
    expect(gaps.get('crew')?.isEmpty).toBe(false);
    clock.advance(9_999);
    expect(sent).toHaveLength(1);
    clock.advance(1);
    expect(sent).toHaveLength(2);
  });

  it('does not tell the same again while it is on the way, and does after it was lost', () => {
    lose('crew', 1);
    announcer.connected(NO_LIMIT);
    clock.advance(10_000);
    expect(sent).toHaveLength(1);
    sent[0]!.settled('lost');
    announcer.connected(NO_LIMIT);
    expect(sent).toHaveLength(2);
  });

  it('tells no more at once than the broker takes in one packet, and the rest later', () => {
    lose('crew', ...Array.from({ length: 500 }, (_, at) => at * 2));
    announcer.connected(4096);
    expect(sent[0]!.payload.length).toBeLessThan(4096);
    let messages = 0;
    while (!gaps.get('crew')!.isEmpty && messages++ < 100) {
      for (const control of sent.splice(0)) control.settled('acknowledged');
      clock.advance(10_000);
    }
    expect(gaps.get('crew')?.isEmpty).toBe(true);
  });

  it('says nothing without a connection', () => {
    announcer.connected(NO_LIMIT);
    announcer.disconnected();
    lose('crew', 1);
    clock.advance(60_000);
    expect(sent).toEqual([]);
  });
});

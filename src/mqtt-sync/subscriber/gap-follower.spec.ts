import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { change, CREW, lossOf, recordAll } from '../../../test/contract/inbox-harness.js';
import { RecordingLogger } from '../../../test/contract/queue-harness.js';
import { silentLogger } from '../logger.js';
import { SyncEvents } from '../sync-events.js';
import { SyncStatistics } from '../sync-statistics.js';
import { FakeClock } from '../time/fake-clock.js';
import { InboundTopics } from '../wire/inbound-topics.js';
import { GapFollower } from './gap-follower.js';
import type { Inbox } from './inbox/inbox.js';
import { MemoryInbox } from './inbox/memory-inbox.js';
import { Stream } from './inbox/stream.js';

const GAP_TOPIC = 'vessel/sync/system/gap/mv-aurora';
const LIMITS = { maxIds: 1000, maxAgeS: 1000, maxParked: 2, maxParkedBytes: 1e6, catchUpFrom: 'first_seen' } as const;

describe('GapFollower', () => {
  let clock: FakeClock;
  let inbox: Inbox;
  let follower: GapFollower;
  let logger: RecordingLogger;
  let statistics: SyncStatistics;
  let detected: unknown[];
  let told: unknown[];

  beforeEach(async () => {
    clock = new FakeClock();
    logger = new RecordingLogger();
    detected = [];
    told = [];
    const events = new SyncEvents(silentLogger);
    statistics = new SyncStatistics(events);
    events.on('gap_detected', (event) => detected.push(event));
    events.on('gap_told', (event) => told.push(event));
    inbox = new MemoryInbox(LIMITS, clock, silentLogger);
    const isOwn = (vesselId: string) => vesselId === 'mv-shore';
    follower = new GapFollower({ isOwn, inbox, events, clock, logger, gapGraceS: 30, maxBytes: 2000 });
    inbox.observe(follower);
    await inbox.open();
  });

  const gap = (fields: object, topic = GAP_TOPIC) => {
    const envelope = { type: 'gap', vesselId: 'mv-aurora', epoch: 7, entity: 'crew', ...fields };
    return follower.receive({ topic, payload: Buffer.from(JSON.stringify(envelope)), qos: 1, retained: false });
  };

  it('listens to the gaps of every vessel, but opens no connection for them', () => {
    expect(follower.filter(new InboundTopics('fleet/+/up', 'shore'))).toBe('fleet/+/up/system/gap/+');
    expect(follower.opensConnection).toBe(false);
  });

  it('tells of a hole that is still open after the grace, once', async () => {
    await recordAll(inbox, [1, 4, 8]);
    clock.advance(29_000);
    await recordAll(inbox, [6]);
    expect([detected, [...follower.gaps()], follower.missingCount]).toEqual([[], [], 0]);
    clock.advance(3_000);
    const ranges = [
      { from: 2, to: 3 },
      { from: 5, to: 5 },
      { from: 7, to: 7 },
    ];
    expect(detected).toEqual([{ ...CREW, ranges, count: 4 }]);
    expect([...follower.gaps()]).toEqual([{ ...CREW, missing: ranges, missingCount: 4, lost: [], lostCount: 0 }]);
    expect(follower.missingCount).toBe(4);
    clock.advance(600_000);
    expect(detected).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('says nothing of a hole that is filled, or told as lost, in time', async () => {
    await recordAll(inbox, [1, 4]);
    await recordAll(inbox, [2]);
    await gap({ data: { ranges: [lossOf(3, 3)] } });
    clock.advance(60_000);
    expect(detected).toEqual([]);
  });

  it('tells what is still missing of it when a part was filled', async () => {
    await recordAll(inbox, [1, 5]);
    await recordAll(inbox, [3]);
    clock.advance(40_000);
    expect(detected).toMatchObject([
      {
        ranges: [
          { from: 2, to: 2 },
          { from: 4, to: 4 },
        ],
        count: 2,
      },
    ]);
  });

  it('gives each hole its own grace', async () => {
    await recordAll(inbox, [1, 3]);
    clock.advance(20_000);
    await recordAll(inbox, [5]);
    clock.advance(12_000);
    expect(detected).toMatchObject([{ ranges: [{ from: 2, to: 2 }] }]);
    expect(follower.missingCount).toBe(1);
    clock.advance(20_000);
    expect(detected).toMatchObject([{ ranges: [{ from: 2, to: 2 }] }, { ranges: [{ from: 4, to: 4 }] }]);
  });

  it('records what a vessel says is lost, and tells each number once', async () => {
    await recordAll(inbox, [1, 9]);
    await gap({ data: { ranges: [lossOf(2, 4), { from: 6, to: 6, reason: 'corrupt' }] } });
    await gap({ data: { ranges: [lossOf(3, 5)] } });
    expect(told).toEqual([
      { ...CREW, ranges: [lossOf(2, 4), { from: 6, to: 6, reason: 'corrupt' }], count: 4 },
      { ...CREW, ranges: [lossOf(5, 5)], count: 1 },
    ]);
    expect([statistics.lostChanges, inbox.stats()]).toEqual([5, expect.objectContaining({ lost: 5, missing: 2 })]);
    expect(logger.warnings[0]).toBe('mv-aurora will never send 4 change(s) of crew: 2 to 4, 6.');
    expect(inbox.isKnown(change(3))).toBe(false);
  });

  it.each([
    ['of another vessel than its topic says', { vesselId: 'mv-borealis', data: { ranges: [lossOf(1, 2)] } }],
    ['with a range that ends before it begins', { data: { ranges: [lossOf(4, 2)] } }],
    ['with numbers that are none', { data: { ranges: [{ from: '1', to: 2, reason: 'dropped' }] } }],
    ['of no entity type', { entity: 'system', data: { ranges: [lossOf(1, 2)] } }],
    ['without ranges', { data: {} }],
    ['larger than any is taken', { data: { ranges: [lossOf(1, 2)], padding: 'x'.repeat(2000) } }],
    ['of another kind', { type: 'status', data: { ranges: [lossOf(1, 2)] } }],
  ])('ignores a message %s, and says so once', async (_what, fields) => {
    await gap(fields);
    await gap(fields);
    expect([...inbox.accounts()]).toEqual([]);
    expect(logger.warnings).toHaveLength(1);
  });

  it('looks at no stream that has no gap: health asks often, and a fleet has thousands', async () => {
    for (const entity of ['alerts', 'equipment', 'maintenance']) await recordAll(inbox, [1, 2], { entity });
    await gap({ data: { ranges: [lossOf(1, 1)] } });
    await recordAll(inbox, [1, 3], { vesselId: 'mv-borealis' });
    clock.advance(60_000);
    const account = vi.spyOn(Stream.prototype, 'account');
    onTestFinished(() => account.mockRestore());
    expect([...follower.gaps()].map(({ vesselId }) => vesselId)).toEqual(['mv-aurora', 'mv-borealis']);
    expect(account).toHaveBeenCalledTimes(2);
  });

  it('takes the gaps that it told itself for no loss of anybody', async () => {
    await gap({ vesselId: 'mv-shore', data: { ranges: [lossOf(2, 4)] } }, 'vessel/sync/system/gap/mv-shore');
    expect([told, logger.warnings, [...inbox.accounts()]]).toEqual([[], [], []]);
  });

  it('takes a reason that it does not know for a drop', async () => {
    await gap({ data: { ranges: [{ from: 1, to: 2, reason: 'sea_monster' }] } });
    expect(inbox.account(CREW)?.lost).toEqual([lossOf(1, 2)]);
  });

  it('warns when a parked message has to go', async () => {
    for (const error of ['a', 'b', 'c']) {
      const draft = { topic: 't', payload: Buffer.from('{'), qos: 1, retained: false, identity: undefined } as const;
      await inbox.park({ ...draft, reason: 'not_parsable', error, attempts: 0 });
    }
    expect(statistics.parkedDiscarded).toBe(1);
    expect(logger.warnings).toEqual([expect.stringContaining('the oldest (1, from t, not_parsable) is discarded')]);
  });

  it('tells nothing any more once it is stopped', async () => {
    await recordAll(inbox, [1, 3]);
    follower.stop();
    clock.advance(60_000);
    expect([detected, clock.pendingTimers]).toEqual([[], 0]);
  });
});

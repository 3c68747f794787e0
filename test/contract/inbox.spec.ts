import { describe, expect, it } from 'vitest';
import { QueueUnavailableError, StoppingError } from '../../src/mqtt-sync/errors.js';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { temporaryFolder } from './queue-harness.js';
import {
  change,
  CREW,
  INBOX_LIMITS,
  inboxOnDisk,
  lossOf,
  memoryInbox,
  openInbox,
  parkedDraft,
  recordAll,
} from './inbox-harness.js';

describe.each([
  { name: 'MemoryInbox', maker: () => memoryInbox },
  { name: 'LmdbInbox', maker: () => inboxOnDisk(temporaryFolder()) },
])('$name', ({ maker }) => {
  describe('repeats', () => {
    it('knows a change once it was handled, and not before', async () => {
      const { inbox } = await openInbox(maker());
      expect(inbox.isKnown(change(1))).toBe(false);
      await inbox.recordHandled(change(1));
      expect(inbox.isKnown(change(1))).toBe(true);
      expect(inbox.isKnown(change(2))).toBe(false);
    });

    it('knows what is recorded before it is committed', async () => {
      const { inbox } = await openInbox(maker());
      const recorded = inbox.recordHandled(change(1));
      expect(inbox.isKnown(change(1))).toBe(true);
      expect(inbox.isStale(change(0, { messageId: 'other' }))).toBe(false);
      await recorded;
    });

    it('knows it by its sequence when its id is forgotten, or another one', async () => {
      const { inbox } = await openInbox(maker(), { maxIds: 5 });
      await recordAll(inbox, [1]);
      for (let sequence = 2; sequence <= 400; sequence++) await recordAll(inbox, [sequence]);
      expect(inbox.stats().ids).toBeLessThanOrEqual(5);
      expect(inbox.isKnown(change(1))).toBe(true);
      expect(inbox.isKnown(change(1, { messageId: 'another' }))).toBe(true);
    });

    it('knows changes without a place in a stream by their id', async () => {
      const { inbox } = await openInbox(maker());
      const older = change(undefined, { epoch: undefined, messageId: 'x' });
      await inbox.recordHandled(older);
      expect(inbox.isKnown(older)).toBe(true);
      expect(inbox.account(CREW)).toBeUndefined();
      // Neither id nor place: nothing to record.
      await inbox.recordHandled(change(undefined, { messageId: undefined, epoch: undefined, vesselId: undefined }));
    });

    it('counts what comes again under another number as handled there, so that nothing is missing', async () => {
      const { inbox, observer } = await openInbox(maker());
      await recordAll(inbox, [1]);
      const renumbered = change(5, { epoch: 8, messageId: change(1).messageId });
      expect(inbox.isKnown(renumbered)).toBe(true);
      expect(inbox.isKnown({ ...renumbered, messageId: undefined })).toBe(false);
      await recordAll(inbox, [6], { epoch: 8 });
      await inbox.recordHandled(renumbered);
      expect(inbox.isKnown({ ...renumbered, messageId: undefined })).toBe(true);
      expect(observer.missingRanges).toEqual([{ from: 1, to: 5 }]);
      expect(inbox.account({ ...CREW, epoch: 8 })).toMatchObject({ handled: 2, missing: [{ from: 1, to: 4 }] });
    });

    it('keeps the same id of two vessels apart', async () => {
      const { inbox } = await openInbox(maker());
      await inbox.recordHandled(change(1, { messageId: 'WO-1' }));
      expect(inbox.isKnown(change(2, { messageId: 'WO-1' }))).toBe(true);
      expect(inbox.isKnown(change(2, { messageId: 'WO-1', vesselId: 'mv-borealis' }))).toBe(false);
    });

    it('forgets the oldest ids first, beyond their number', async () => {
      const { inbox } = await openInbox(maker(), { maxIds: 3 });
      const older = (messageId: string) => change(undefined, { epoch: undefined, messageId });
      for (const id of ['a', 'b', 'c', 'd', 'e']) await inbox.recordHandled(older(id));
      expect(['a', 'b', 'c', 'd', 'e'].map((id) => inbox.isKnown(older(id)))).toEqual([false, false, true, true, true]);
      expect(inbox.stats().ids).toBe(3);
    });

    it('forgets ids beyond their age with what comes later, a part at a time', async () => {
      const { inbox, clock } = await openInbox(maker(), { maxAgeS: 10 });
      const older = (messageId: string) => change(undefined, { epoch: undefined, messageId });
      await Promise.all(Array.from({ length: 600 }, (_, n) => inbox.recordHandled(older(`old ${n}`))));
      clock.advance(9_000);
      await inbox.recordHandled(older('young'));
      expect(inbox.stats().ids).toBe(601);
      clock.advance(2_000);
      for (let n = 0; n < 4; n++) await inbox.recordHandled(older(`new ${n}`));
      expect(inbox.stats().ids).toBe(5);
      expect([inbox.isKnown(older('old 599')), inbox.isKnown(older('young'))]).toEqual([false, true]);
    });
  });

  describe('the account of a stream', () => {
    it('shows the holes that later changes leave, and forgets those that are filled', async () => {
      const { inbox, observer } = await openInbox(maker());
      await recordAll(inbox, [5, 6, 9, 12]);
      expect(inbox.account(CREW)).toEqual({
        ...{ ...CREW, first: 5, highest: 12, handled: 4, lost: [], lostCount: 0, untracked: 0 },
        missing: [
          { from: 7, to: 8 },
          { from: 10, to: 11 },
        ],
      });
      expect(observer.missingRanges).toEqual([
        { from: 7, to: 8 },
        { from: 10, to: 11 },
      ]);
      await recordAll(inbox, [10, 8, 11]);
      expect(inbox.account(CREW)?.missing).toEqual([{ from: 7, to: 7 }]);
      expect(inbox.stats()).toMatchObject({ missing: 1, lost: 0 });
    });

    it('does not miss what came before the first change seen', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [1000]);
      expect(inbox.account(CREW)).toMatchObject({ first: 1000, missing: [] });
      // A dead letter of the sender that was retried: old, and new here.
      expect(inbox.isKnown(change(3))).toBe(false);
      await recordAll(inbox, [3]);
      expect([inbox.isKnown(change(3)), inbox.account(CREW)]).toEqual([
        true,
        expect.objectContaining({ first: 1000, handled: 2, missing: [] }),
      ]);
    });

    it('misses everything from 1 on where catch-up is from the beginning', async () => {
      const { inbox, observer } = await openInbox(maker(), { catchUpFrom: 'beginning' });
      await recordAll(inbox, [4], { retained: true });
      expect(inbox.account(CREW)?.missing).toEqual([{ from: 1, to: 3 }]);
      expect(observer.missingRanges).toEqual([{ from: 1, to: 3 }]);
    });

    it.each([{ retained: true }, { replayed: true }])(
      'does not take a change that is %j for the first seen',
      async (how) => {
        const { inbox, observer } = await openInbox(maker());
        await recordAll(inbox, [10], how);
        await recordAll(inbox, [2], how);
        expect(inbox.account(CREW)).toMatchObject({ first: undefined, highest: 10, missing: [] });
        await recordAll(inbox, [500, 502]);
        expect(inbox.account(CREW)).toMatchObject({ first: 500, missing: [{ from: 501, to: 501 }] });
        expect(observer.missingRanges).toEqual([{ from: 501, to: 501 }]);
      },
    );

    it('does not miss what a retried dead letter would leave open behind it', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [4711], { retained: true });
      await recordAll(inbox, [100]);
      expect(inbox.account(CREW)).toMatchObject({ first: 4711, missing: [] });
    });

    it('misses a new epoch from its beginning, where it followed the one before', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [40]);
      await recordAll(inbox, [3], { epoch: 8 });
      expect(inbox.account({ ...CREW, epoch: 8 })?.missing).toEqual([{ from: 1, to: 2 }]);
      expect([...inbox.accounts()].map(({ epoch }) => epoch)).toEqual([7, 8]);
    });

    it('puts an old epoch that is seen late before the newest', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [1], { epoch: 8 });
      await recordAll(inbox, [9], { epoch: 3, retained: true });
      await recordAll(inbox, [9], { epoch: 99, retained: true });
      expect([...inbox.accounts()].map(({ epoch }) => epoch)).toEqual([3, 99, 8]);
      await recordAll(inbox, [10], { epoch: 99 });
      expect([...inbox.accounts()].map(({ epoch }) => epoch)).toEqual([3, 8, 99]);
    });
  });

  describe('losses', () => {
    it('counts each number once, and none that was handled', async () => {
      const { inbox, observer } = await openInbox(maker());
      await recordAll(inbox, [1, 2, 8]);
      expect(await inbox.recordLost(CREW, [lossOf(2, 4)])).toBe(2);
      expect(await inbox.recordLost(CREW, [lossOf(3, 5), { from: 6, to: 6, reason: 'corrupt' }])).toBe(2);
      expect(await inbox.recordLost(CREW, [lossOf(2, 5)])).toBe(0);
      expect(inbox.account(CREW)).toMatchObject({
        ...{ handled: 3, lostCount: 4, missing: [{ from: 7, to: 7 }] },
        lost: [lossOf(3, 5), { from: 6, to: 6, reason: 'corrupt' }],
      });
      expect(observer.lostRanges).toEqual([lossOf(3, 4), lossOf(5, 5), { from: 6, to: 6, reason: 'corrupt' }]);
      expect(inbox.stats()).toMatchObject({ missing: 1, lost: 4 });
    });

    it('handles a number that was told as lost and comes after all', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [1, 5]);
      await inbox.recordLost(CREW, [lossOf(2, 4)]);
      expect(inbox.isKnown(change(3))).toBe(false);
      await recordAll(inbox, [3]);
      expect(inbox.isKnown(change(3))).toBe(true);
      expect(inbox.account(CREW)).toMatchObject({ handled: 3, lost: [lossOf(2, 2), lossOf(4, 4)], missing: [] });
    });

    it('takes losses of a stream of which nothing has come, and does not miss what is below them', async () => {
      const { inbox, observer } = await openInbox(maker());
      await inbox.recordLost(CREW, [lossOf(600, 700)]);
      expect(inbox.account(CREW)).toMatchObject({ first: undefined, lostCount: 101, missing: [] });
      await recordAll(inbox, [501]);
      expect(inbox.account(CREW)).toMatchObject({ first: 501, missing: [{ from: 502, to: 599 }] });
      expect(observer.missingRanges).toEqual([{ from: 502, to: 599 }]);
    });

    it('misses what lies before a loss', async () => {
      const { inbox, observer } = await openInbox(maker());
      await recordAll(inbox, [1]);
      await inbox.recordLost(CREW, [lossOf(4, 9)]);
      expect(observer.missingRanges).toEqual([{ from: 2, to: 3 }]);
      expect(inbox.stats()).toMatchObject({ missing: 2, lost: 6 });
    });
  });

  describe('parked messages', () => {
    it('are known, and wait with their story until somebody removes them', async () => {
      const { inbox, clock } = await openInbox(maker());
      await inbox.park(parkedDraft(change(1)));
      await inbox.park(parkedDraft(undefined, '{'));
      expect(inbox.isKnown(change(1))).toBe(true);
      const [first, second] = [...inbox.parked()];
      expect(first).toEqual({
        ...parkedDraft(change(1)),
        position: expect.any(Number) as number,
        parkedAtMs: clock.wallMs(),
      });
      expect([...inbox.parked(first!.position)]).toEqual([second]);
      expect(inbox.stats()).toMatchObject({ parked: 2, parkedBytes: 8 });
      expect(await inbox.removeParked(first!.position)).toBe(true);
      expect(await inbox.removeParked(first!.position)).toBe(false);
      expect([...inbox.parked()]).toEqual([second]);
      expect(inbox.isKnown(change(1))).toBe(true);
    });

    it('can be read and removed before they are committed', async () => {
      const { inbox } = await openInbox(maker());
      const parked = inbox.park(parkedDraft(change(1)));
      const [message] = [...inbox.parked()];
      const removed = inbox.removeParked(message!.position);
      expect([...inbox.parked()]).toEqual([]);
      await Promise.all([parked, removed]);
      expect([[...inbox.parked()], inbox.stats().parkedBytes]).toEqual([[], 0]);
    });

    it('make room for newer ones, by number and by bytes, and never for nothing', async () => {
      const { inbox, observer } = await openInbox(maker(), { maxParked: 3, maxParkedBytes: 100 });
      for (let n = 1; n <= 4; n++) await inbox.park(parkedDraft(change(n), `p${n}`));
      expect([...inbox.parked()].map(({ payload }) => String(payload))).toEqual(['p2', 'p3', 'p4']);
      await inbox.park(parkedDraft(change(5), 'x'.repeat(97)));
      expect([...inbox.parked()].map(({ identity }) => identity?.sequence)).toEqual([4, 5]);
      await inbox.park(parkedDraft(change(6), 'x'.repeat(1000)));
      expect([...inbox.parked()].map(({ identity }) => identity?.sequence)).toEqual([6]);
      expect(observer.discarded.map(({ identity }) => identity?.sequence)).toEqual([1, 2, 3, 4, 5]);
    });
  });

  it('says so when it is not open', async () => {
    const { inbox } = await openInbox(maker());
    await inbox.close();
    await expect(inbox.recordHandled(change(1))).rejects.toThrow(StoppingError);
    await expect(inbox.open()).rejects.toThrow(StoppingError);
    expect([...inbox.parked()]).toEqual([]);
  });

  it('finishes what was asked for when it closes', async () => {
    const { inbox } = await openInbox(maker());
    const recorded = inbox.recordHandled(change(1));
    await inbox.close();
    await recorded;
    await inbox.close();
  });
});

describe('an inbox that nobody has opened', () => {
  it('rejects instead of forgetting', async () => {
    const inbox = memoryInbox(INBOX_LIMITS, new FakeClock(), silentLogger);
    await expect(inbox.recordHandled(change(1))).rejects.toThrow(QueueUnavailableError);
    expect(() => inbox.isKnown(change(1))).toThrow(QueueUnavailableError);
  });
});

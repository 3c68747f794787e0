import { describe, expect, it } from 'vitest';
import type { Inbox } from '../../src/mqtt-sync/subscriber/inbox/inbox.js';
import { change, CREW, inboxOnDisk, lossOf, memoryInbox, openInbox, recordAll } from './inbox-harness.js';
import { temporaryFolder } from './queue-harness.js';

/** A new epoch, which came first with a change of another key. */
const RENEWED = { epoch: 3, key: 'other' };

describe.each([
  { name: 'MemoryInbox', maker: () => memoryInbox },
  { name: 'LmdbInbox', maker: () => inboxOnDisk(temporaryFolder()) },
])('stale changes of a $name', ({ maker }) => {
  it('are older than the last handled of their key', async () => {
    const { inbox } = await openInbox(maker());
    await recordAll(inbox, [5]);
    await recordAll(inbox, [9], { key: 'other' });
    expect(inbox.isStale(change(4))).toBe(true);
    expect([inbox.isStale(change(6)), inbox.isStale(change(4, { key: 'new' }))]).toEqual([false, false]);
    expect(inbox.isStale(change(4, { key: undefined }))).toBe(false);
    await recordAll(inbox, [4]);
    expect(inbox.isStale(change(4))).toBe(true);
  });

  it('are those of an older epoch, whatever its number', async () => {
    const { inbox } = await openInbox(maker());
    await recordAll(inbox, [50], { epoch: 900 });
    expect(inbox.isStale(change(1, { epoch: 3 }))).toBe(false);
    expect(inbox.isStale(change(1, { epoch: 3, retained: true }))).toBe(true);
    await recordAll(inbox, [1], { epoch: 3 });
    expect(inbox.isStale(change(51, { epoch: 900 }))).toBe(true);
    expect(inbox.isStale(change(2, { epoch: 3 }))).toBe(false);
  });

  it.each([
    { first: 'a gap', note: (inbox: Inbox) => inbox.recordLost({ ...CREW, epoch: 3 }, [lossOf(1, 3)]) },
    { first: 'a retained copy', note: (inbox: Inbox) => recordAll(inbox, [9], { ...RENEWED, retained: true }) },
    { first: 'a replay', note: (inbox: Inbox) => recordAll(inbox, [1], { ...RENEWED, replayed: true }) },
  ])('are not the live ones of a new epoch of which $first came first', async ({ note }) => {
    const { inbox } = await openInbox(maker());
    await recordAll(inbox, [50], { epoch: 900 });
    await note(inbox);
    expect(inbox.isStale(change(10, { epoch: 3 }))).toBe(false);
    expect(inbox.isStale(change(10, { epoch: 3, retained: true }))).toBe(true);
    await recordAll(inbox, [10], { epoch: 3 });
    expect(inbox.isStale(change(51, { epoch: 900 }))).toBe(true);
  });
});

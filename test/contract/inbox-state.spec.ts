import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './queue-harness.js';
import { change, inboxOnDisk, memoryInbox, openInbox, parkedDraft, recordAll } from './inbox-harness.js';

describe.each([
  { name: 'MemoryInbox', maker: () => memoryInbox },
  { name: 'LmdbInbox', maker: () => inboxOnDisk(temporaryFolder()) },
])('$name', ({ maker }) => {
  describe('the state of an entity, sent again without a number', () => {
    const stateOf = (asOf: number | undefined) => change(undefined, { replayed: true, asOf });

    it('is stale once a change of its key was handled that came after it was read', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [200]);
      expect(inbox.isStale(stateOf(200))).toBe(false);
      await recordAll(inbox, [201]);
      expect([inbox.isStale(stateOf(200)), inbox.isStale(stateOf(201))]).toEqual([true, false]);
    });

    it('is stale to the first change that there is, where none was numbered when it was read', async () => {
      const { inbox } = await openInbox(maker());
      expect(inbox.isStale(stateOf(0))).toBe(false);
      await recordAll(inbox, [1]);
      expect(inbox.isStale(stateOf(0))).toBe(true);
    });

    it('is not stale to changes of other keys, nor of another epoch, nor where it does not say when it was read', async () => {
      const { inbox } = await openInbox(maker());
      await recordAll(inbox, [300], { key: 'other' });
      await recordAll(inbox, [300], { epoch: 6 });
      expect([inbox.isStale(stateOf(200)), inbox.isStale(stateOf(undefined))]).toEqual([false, false]);
      await recordAll(inbox, [301]);
      expect(inbox.isStale(stateOf(undefined))).toBe(false);
    });

    it('says when it was read also after it was parked', async () => {
      const { inbox } = await openInbox(maker());
      await inbox.park(parkedDraft(stateOf(200)));
      expect([...inbox.parked()].map(({ identity }) => identity?.asOf)).toEqual([200]);
    });
  });
});

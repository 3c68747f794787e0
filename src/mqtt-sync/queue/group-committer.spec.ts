import { describe, expect, it } from 'vitest';
import { draft, gate, openFailing, turns } from '../../../test/contract/failing-store.js';
import type { QueuedMessage } from './message.js';

describe('GroupCommitter', () => {
  it.each([{ reserveFails: false }, { reserveFails: true }])(
    'settles and closes when the recovery under way fails ($reserveFails)',
    async ({ reserveFails }) => {
      const { store, clock, queue } = await openFailing();
      await queue.accept([draft('a')]);
      store.commitFails = true;
      queue.remove([queue.take('normal', () => true)!]);
      await queue.settled();
      const { closed, open } = gate();
      store.gate = closed;
      store.reserveFails = reserveFails;
      clock.advance(60_000);
      await turns();
      const settled = queue.settled();
      const closing = queue.close();
      open();
      await settled;
      await closing;
    },
  );

  it('settles when the store becomes unreadable before a commit that was asked for', async () => {
    const { store, queue } = await openFailing({ maxMessages: 10_000 });
    await queue.accept(Array.from({ length: 6000 }, () => draft('a')));
    const taken: QueuedMessage[] = [];
    const takeAll = () => {
      for (let m = queue.take('normal', () => true); m; m = queue.take('normal', () => true)) taken.push(m);
    };
    store.readFails = true;
    queue.forgetGaps('a', []);
    takeAll();
    expect(queue.stats().available).toBe(false);
    await queue.close();
  });

  it('never has two commits at once, whatever fails while it recovers', async () => {
    const { store, clock, queue } = await openFailing({ maxMessages: 10_000 });
    await queue.accept(Array.from({ length: 6000 }, () => draft('a')));
    const taken: QueuedMessage[] = [];
    store.readFails = true;
    for (let m = queue.take('normal', () => true); m; m = queue.take('normal', () => true)) taken.push(m);
    const reserve = gate();
    store.reserveGate = reserve.closed;
    clock.advance(6000);
    await turns();
    // A read that fails meanwhile must not begin another recovery.
    expect(queue.take('normal', () => true)).toBeUndefined();
    clock.advance(6000);
    await turns();
    queue.remove(taken.slice(0, 10));
    const commit = gate();
    store.gate = commit.closed;
    reserve.open();
    await turns();
    commit.open();
    await turns();
    expect(store.mostAtOnce).toBe(1);
    store.readFails = false;
    await queue.close();
  });

  describe('what was delivered', () => {
    const REFUSED = { reason: 'refused' as const, reasonCode: 135, attempts: 1 };

    /** A queue with messages in flight, and how many of them each later commit has removed. */
    async function inFlight(count: number) {
      const { store, clock, queue } = await openFailing({ maxMessages: 10_000 });
      await queue.accept(Array.from({ length: count }, () => draft('a')));
      const taken = Array.from({ length: count }, () => queue.take('normal', () => true)!);
      const before = store.commits.length;
      const removed = () => store.commits.slice(before).map(({ removed: some }) => some.length);
      return { store, clock, queue, taken, removed };
    }

    it('waits for more of it, at most 50 ms from the first on', async () => {
      const { clock, queue, taken, removed } = await inFlight(4);
      for (const message of taken.slice(0, 3)) {
        queue.remove([message]);
        await turns();
        clock.advance(15);
        await turns();
      }
      expect(removed()).toEqual([]);
      clock.advance(5);
      await turns();
      expect(removed()).toEqual([3]);
      queue.remove([taken[3]!]);
      clock.advance(50);
      await turns();
      expect(removed()).toEqual([3, 1]);
      await queue.close();
    });

    it('goes along with a change that is accepted, and with a dead letter', async () => {
      const { queue, taken, removed } = await inFlight(3);
      queue.remove([taken[0]!]);
      await queue.accept([draft('a')]);
      expect(removed()).toEqual([1]);
      queue.remove([taken[1]!]);
      queue.setAside(taken[2]!, REFUSED);
      await turns();
      expect(removed()).toEqual([1, 2]);
      await queue.close();
    });

    it('does not wait when there is much of it', async () => {
      const { queue, taken, removed } = await inFlight(300);
      queue.remove(taken.slice(0, 255));
      await turns();
      expect(removed()).toEqual([]);
      queue.remove(taken.slice(255));
      await turns();
      expect(removed()).toEqual([300]);
      await queue.close();
    });

    it('waits for more of it also when it came while a commit was under way', async () => {
      const { store, clock, queue, taken, removed } = await inFlight(3);
      const { closed, open } = gate();
      store.gate = closed;
      const accepting = queue.accept([draft('a')]);
      await turns();
      queue.remove([taken[0]!]);
      open();
      await accepting;
      await turns();
      queue.remove(taken.slice(1));
      await turns();
      expect(removed()).toEqual([0]);
      clock.advance(50);
      await turns();
      expect(removed()).toEqual([0, 3]);
      await queue.close();
    });

    it('does not wait when somebody wants it settled, nor at the end', async () => {
      const { queue, taken, removed } = await inFlight(2);
      queue.remove([taken[0]!]);
      await turns();
      await queue.settled();
      expect(removed()).toEqual([1]);
      queue.remove([taken[1]!]);
      await queue.close();
      expect(removed()).toEqual([1, 1]);
    });
  });
});

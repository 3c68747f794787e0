import { describe, expect, it } from 'vitest';
import { draft, gate, openFailing, turns } from '../../../test/contract/failing-store.js';
import { type QueuedMessage } from './message.js';

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
});

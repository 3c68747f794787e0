import { describe, expect, it } from 'vitest';
import { QueueFullError } from '../../src/mqtt-sync/errors.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import { draft, openOnDisk, takeAll, temporaryFolder } from './queue-harness.js';

const LARGE = { maxMessages: 100_000, maxBytes: 1e9 };
/** The most that one commit drops for others than a single call. */
const BOUND = { messages: 4096, bytes: 8 * 1024 * 1024 };

/** A queue with so many messages of so many bytes, opened again with other limits; how many each commit drops from then on. */
async function reopened(count: number, bytes: number, limits: Partial<QueueLimits>) {
  const dir = temporaryFolder();
  const dataJson = JSON.stringify('x'.repeat(bytes));
  const before = await openOnDisk(dir, LARGE);
  for (let done = 0; done < count; done += 1000)
    await before.queue.accept(Array.from({ length: Math.min(1000, count - done) }, () => draft('crew', { dataJson })));
  await before.queue.close();
  const test = await openOnDisk(dir, { ...LARGE, ...limits });
  const { observer } = test;
  const drops: number[] = [];
  observer.committed = () => void drops.push(0);
  observer.dropped = () => void drops.push(drops.pop()! + 1);
  return { ...test, drops };
}

describe('A queue that holds more than its limits, which were lowered', () => {
  it('drops as many as one commit takes at a time, and takes the new message with the last of them', async () => {
    const { queue, drops } = await reopened(10_000, 10, { maxMessages: 100 });
    const [accepted] = await queue.accept([draft('crew', { messageId: 'new' })]);
    expect(accepted!.sequence).toBe(10_001);
    expect(drops).toEqual([BOUND.messages, BOUND.messages, 9901 - 2 * BOUND.messages]);
    expect(queue.stats().messages).toBe(100);
    expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 9901, reason: 'dropped' }]);
    expect(takeAll(queue).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 100 }, (_, at) => 9902 + at));
  });

  it('counts their bytes, too', async () => {
    const { queue, drops } = await reopened(50, 500_000, { maxBytes: 2_000_000 });
    await queue.accept([draft('crew')]);
    expect(Math.max(...drops) * 500_000).toBeLessThan(BOUND.bytes + 500_000);
    expect(drops.reduce((sum, count) => sum + count)).toBe(47);
    expect(queue.stats().messages).toBe(4);
  });

  it('gives the event loop a turn between two commits', async () => {
    const { queue, observer, drops } = await reopened(10_000, 10, { maxMessages: 100 });
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    const turnOfCommit: number[] = [];
    const committed = observer.committed.bind(observer);
    observer.committed = () => {
      turnOfCommit.push(turns);
      committed();
    };
    turn();
    await queue.accept([draft('crew')]);
    isOver = true;
    expect(new Set(turnOfCommit).size).toBe(drops.length);
  });

  it('drops nothing where the policy is to reject', async () => {
    const { queue, drops } = await reopened(5000, 10, { maxMessages: 100, overflowPolicy: 'reject' });
    await expect(queue.accept([draft('crew')])).rejects.toThrow(QueueFullError);
    expect([drops, queue.stats().messages]).toEqual([[], 5000]);
  });
});

describe('A full queue', () => {
  it('takes a batch of any size, and drops what it needs, in one commit', async () => {
    const { queue, drops } = await reopened(6000, 10, { maxMessages: 6000 });
    await queue.accept(Array.from({ length: 5000 }, () => draft('crew')));
    expect(drops).toEqual([5000]);
  });

  it('does not drop more for many small calls than one commit takes', async () => {
    const { queue, drops } = await reopened(50, 500_000, { maxMessages: 50 });
    await Promise.all(Array.from({ length: 50 }, () => queue.accept([draft('crew')])));
    expect(Math.max(...drops) * 500_000).toBeLessThan(BOUND.bytes + 500_000);
    expect(drops.reduce((sum, count) => sum + count)).toBe(50);
  });
});

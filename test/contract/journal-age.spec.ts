import { describe, expect, it } from 'vitest';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { segmentsOf, tamper } from './damage.js';
import { draft, take, takeAll, temporaryFolder, VESSEL, watch } from './queue-harness.js';

const MAX_AGE_S = 100;
const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

async function open(dir: string, clock: FakeClock): Promise<SyncQueue> {
  const journal = { maxAgeS: MAX_AGE_S, maxBytes: 1e9 };
  const { queue } = watch(
    (limits, time, logger) => new DiskQueue({ ...limits, dir, journal }, time, logger),
    {},
    clock,
  );
  await queue.open(VESSEL);
  return queue;
}

function kept(queue: SyncQueue): number[] {
  const everything = queue.history.delivered('crew', { from: 1, to: 1e9 }, { records: 1e6, bytes: 1e9 });
  return everything.map(({ sequence }) => sequence);
}

/** Something is delivered, and what is too old forgotten with that. */
async function deliver(queue: SyncQueue, entity: string): Promise<void> {
  await queue.accept([draft(entity)]);
  queue.remove(takeAll(queue));
  await queue.settled();
}

/** Crew 1 to 10 delivered, but for those of these numbers, which are dead letters. */
async function withLetters(...numbers: readonly number[]) {
  const dir = temporaryFolder();
  const clock = new FakeClock();
  const queue = await open(dir, clock);
  await queue.accept(Array.from({ length: 10 }, () => draft('crew')));
  for (const message of takeAll(queue)) {
    if (numbers.includes(message.sequence)) queue.setAside(message, REFUSED);
    else queue.remove([message]);
  }
  await queue.settled();
  const retry = async () => {
    const [letter] = [...queue.deadLetters()];
    await queue.retryDeadLetter(letter!.position);
    queue.remove([take(queue)]);
    await queue.settled();
  };
  return { dir, clock, queue, retry };
}

describe('The age of what a journal keeps', () => {
  it.each([
    ['before all the others', 1, false],
    ['before all the others, and the process was started again', 1, true],
    ['among the others', 5, false],
  ])('is not hidden by a dead letter that got through later (%s)', async (_, number, restarts) => {
    const { dir, clock, queue: before, retry } = await withLetters(number);
    const beganMs = clock.wallMs();
    clock.advance((MAX_AGE_S - 10) * 1000);
    await retry();
    expect(before.history.stats().oldestAtMs).toBe(beganMs);
    if (restarts) await before.close();
    const queue = restarts ? await open(dir, clock) : before;
    expect(queue.history.stats().oldestAtMs).toBe(beganMs);
    clock.advance(20_000);
    await deliver(queue, 'alerts');
    expect(kept(queue)).toEqual([]);
  });

  it('lets a dead letter that got through stay where all behind it is forgotten', async () => {
    const { clock, queue, retry } = await withLetters(1);
    clock.advance((MAX_AGE_S + 10) * 1000);
    await retry();
    expect(kept(queue)).toEqual([1]);
    await deliver(queue, 'alerts');
    expect(kept(queue)).toEqual([1]);
  });

  it('is not what a wall clock says that jumps ahead for a moment', async () => {
    const { clock, queue } = await withLetters();
    clock.jumpWall(3_600_000);
    await deliver(queue, 'alerts');
    clock.jumpWall(-3_600_000);
    await deliver(queue, 'alerts');
    expect(kept(queue)).toHaveLength(10);
    clock.advance((MAX_AGE_S + 1) * 1000);
    await deliver(queue, 'alerts');
    expect(kept(queue)).toEqual([]);
  });
});

describe('A journal with something else in the place of a segment', () => {
  it('goes on with the rest', async () => {
    const dir = temporaryFolder();
    const clock = new FakeClock();
    const before = await open(dir, clock);
    for (let count = 0; count < 3; count++) await deliver(before, 'crew');
    await before.close();
    await tamper(dir, (root) => {
      const types = root.openDB<Buffer, string>({ name: 'types', encoding: 'binary' });
      const segments = segmentsOf(root);
      for (const sequence of [1, 2]) segments.putSync([0, sequence], types.get('crew')!);
    });
    const queue = await open(dir, clock);
    expect(kept(queue)).toEqual([3]);
    expect(queue.history.sequenceSince('crew', 0)).toBe(1);
    await deliver(queue, 'crew');
    expect(kept(queue)).toEqual([3, 4]);
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { JournalLimits } from '../../src/mqtt-sync/queue/lmdb/journal.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import type { SyncLogger } from '../../src/mqtt-sync/logger.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import type { Clock } from '../../src/mqtt-sync/time/clock.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { SmallDisk } from '../faults/disk/small-disk.js';
import { until } from '../helpers/wait.js';
import { buildChild, ended, startChild } from './child-process.js';
import {
  draft,
  inMemory,
  LIMITS,
  take,
  takeAll,
  temporaryFolder,
  type TestQueue,
  VESSEL,
  watch,
} from './queue-harness.js';

const KEEP_ALL: JournalLimits = { maxAgeS: 3600, maxBytes: 1e9 };
const EVERYTHING = { from: 1, to: 1e9 };
const NO_LIMITS = { records: 1e6, bytes: 1e9 };
const KIB = 1024;

async function openWith(dir: string, journal: JournalLimits = KEEP_ALL, clock?: FakeClock): Promise<TestQueue> {
  const make = (limits: QueueLimits, time: Clock, logger: SyncLogger) =>
    new DiskQueue({ ...limits, dir, journal }, time, logger);
  const watched = watch(make, { maxBytes: 100_000_000 }, clock);
  await watched.queue.open(VESSEL);
  return watched;
}

/** Accepts so many changes and has them delivered, `perCommit` at a time. */
async function deliver(queue: SyncQueue, entity: string, count: number, perCommit = count, bytes = 10): Promise<void> {
  const dataJson = JSON.stringify('x'.repeat(bytes));
  for (let done = 0; done < count; done += perCommit) {
    await queue.accept(Array.from({ length: perCommit }, () => draft(entity, { dataJson })));
    queue.remove(takeAll(queue));
    await queue.settled();
  }
}

function sequencesOf(queue: SyncQueue, entity: string, span = EVERYTHING): number[] {
  return queue.history.delivered(entity, span, NO_LIMITS).map(({ sequence }) => sequence);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('The journal of a disk queue', () => {
  it('keeps what was delivered, byte by byte and in order, also after a restart', async () => {
    const dir = temporaryFolder();
    const before = await openWith(dir);
    await before.queue.accept([draft('a', { messageId: 'm1' }), draft('b'), draft('a', { messageId: 'm2' })]);
    const taken = takeAll(before.queue);
    before.queue.remove(taken);
    await deliver(before.queue, 'a', 3, 1);
    await before.queue.close();
    const { queue } = await openWith(dir);
    const kept = queue.history.delivered('a', EVERYTHING, NO_LIMITS);
    expect(kept.map(({ sequence }) => sequence)).toEqual(upTo(5));
    const payloads = taken.filter(({ entity }) => entity === 'a').map(({ payload }) => payload);
    expect(kept.slice(0, 2).map(({ payload }) => payload)).toEqual(payloads);
    expect(sequencesOf(queue, 'b')).toEqual([1]);
    expect(queue.history.keeps).toBe(true);
    expect(queue.stats()).toMatchObject({ messages: 0, bytes: 0 });
  });

  it('reads any part, a little at a time', async () => {
    const { queue } = await openWith(temporaryFolder());
    await deliver(queue, 'a', 200, 40, 1000);
    expect(sequencesOf(queue, 'a', { from: 77, to: 133 })).toEqual(upTo(133).slice(76));
    expect(queue.history.delivered('a', { from: 77, to: 133 }, { records: 3, bytes: 1e9 })).toHaveLength(3);
    expect(queue.history.delivered('a', { from: 77, to: 133 }, { records: 100, bytes: 1 })).toHaveLength(1);
    expect(sequencesOf(queue, 'a', { from: 201, to: 300 })).toEqual([]);
    expect(sequencesOf(queue, 'unknown')).toEqual([]);
  });

  it('holds nothing that was dropped, discarded or sent with QoS 0, and takes a dead letter that got through later', async () => {
    const { queue } = await openWith(temporaryFolder());
    await queue.accept(upTo(4).map((number) => draft('a', { qos: number === 3 ? 0 : 1 })));
    const [first, second, ...rest] = takeAll(queue);
    queue.setAside(first!, { reason: 'refused', reasonCode: undefined, attempts: 1 });
    queue.setAside(second!, { reason: 'refused', reasonCode: undefined, attempts: 1 });
    queue.remove(rest);
    await queue.settled();
    expect(sequencesOf(queue, 'a')).toEqual([4]);
    expect(await queue.history.undelivered('a', EVERYTHING)).toEqual(new Set([1, 2]));
    await queue.discardDeadLetter(first!.position);
    await queue.retryDeadLetter(second!.position);
    expect(await queue.history.undelivered('a', EVERYTHING)).toEqual(new Set([2]));
    queue.remove([take(queue)]);
    await queue.settled();
    expect(sequencesOf(queue, 'a')).toEqual([2, 4]);
    expect(queue.history.losses('a')).toEqual([{ from: 1, to: 1, reason: 'discarded' }]);
    expect(await queue.history.undelivered('a', EVERYTHING)).toEqual(new Set());
  });

  it('puts messages that are acknowledged out of order in their places', async () => {
    const { queue } = await openWith(temporaryFolder());
    await queue.accept(upTo(6).map(() => draft('a')));
    const taken = takeAll(queue);
    for (const sequence of [5, 2, 1, 6]) {
      queue.remove([taken[sequence - 1]!]);
      await queue.settled();
    }
    queue.remove([taken[3]!, taken[2]!]);
    await queue.settled();
    expect(sequencesOf(queue, 'a')).toEqual(upTo(6));
    expect(sequencesOf(queue, 'a', { from: 2, to: 5 })).toEqual([2, 3, 4, 5]);
  });

  it('finds where changes since a time begin', async () => {
    const { queue } = await openWith(temporaryFolder());
    for (const number of upTo(50)) {
      await queue.accept([draft('a', { acceptedAtMs: number * 1000 })]);
      queue.remove(takeAll(queue));
      await queue.settled();
    }
    expect(queue.history.sequenceSince('a', 30_500)).toBe(30);
    expect(queue.history.sequenceSince('a', 0)).toBe(1);
    expect(queue.history.sequenceSince('a', 1e9)).toBe(50);
  });

  it('is empty in a new epoch', async () => {
    const dir = temporaryFolder();
    const before = await openWith(dir);
    await deliver(before.queue, 'a', 3);
    await before.queue.close();
    const { queue } = watch(
      (limits, time, logger) => new DiskQueue({ ...limits, dir, journal: KEEP_ALL }, time, logger),
    );
    await queue.open({ vesselId: 'other', isExplicit: true });
    await deliver(queue, 'a', 1);
    expect(sequencesOf(queue, 'a')).toEqual([1]);
  });

  it('begins in a store of a version that had none', async () => {
    const dir = temporaryFolder();
    const before = await openWith(dir);
    await deliver(before.queue, 'a', 2);
    await before.queue.close();
    const root = openLmdb({ path: join(dir, 'queue.mdb'), noSubdir: true, overlappingSync: false, maxDbs: 16 });
    root.openDB({ name: 'journal' }).dropSync();
    await root.close();
    const { queue, logger } = await openWith(dir);
    await deliver(queue, 'a', 2);
    expect(sequencesOf(queue, 'a')).toEqual([3, 4]);
    expect(logger.errors).toEqual([]);
  });

  it('is walked through with the rest after an unclean stop', async () => {
    const dir = temporaryFolder();
    const before = await openWith(dir);
    await deliver(before.queue, 'a', 20);
    await before.queue.close();
    writeFileSync(join(dir, 'running'), '0');
    const { queue, logger } = await openWith(dir);
    expect(sequencesOf(queue, 'a')).toEqual(upTo(20));
    expect([...logger.errors, ...logger.warnings]).toEqual([]);
  });

  it('is not there in memory', async () => {
    const { queue } = watch(inMemory, LIMITS);
    await queue.open(VESSEL);
    await deliver(queue, 'a', 2);
    expect(queue.history.keeps).toBe(false);
    expect(sequencesOf(queue, 'a')).toEqual([]);
    expect(queue.history.newest('a')).toBe(2);
  });
});

describe('The journal within its limits', () => {
  it('forgets the oldest by bytes, whatever their entity type, also after a restart', async () => {
    const dir = temporaryFolder();
    const limits = { maxAgeS: 3600, maxBytes: 400 * KIB };
    const clock = new FakeClock();
    const before = await openWith(dir, limits, clock);
    await deliver(before.queue, 'a', 20, 10, 4 * KIB);
    clock.advance(1000);
    await deliver(before.queue, 'b', 60, 10, 4 * KIB);
    await before.queue.close();
    const { queue } = await openWith(dir, limits, clock);
    for (const type of ['a', 'b']) expect([type, sequencesOf(queue, type).length]).not.toEqual([type, 0]);
    clock.advance(1000);
    await deliver(queue, 'c', 60, 10, 4 * KIB);
    expect(sequencesOf(queue, 'a')).toEqual([]);
    const kept = sequencesOf(queue, 'b');
    expect(kept).toEqual(upTo(60).slice(60 - kept.length));
    expect(sequencesOf(queue, 'c')).toEqual(upTo(60));
    expect(queue.history.stats().bytes).toBeLessThan(440 * KIB);
  });

  it('stays within them however long it goes on', async () => {
    const { queue } = await openWith(temporaryFolder(), { maxAgeS: 3600, maxBytes: 200 * KIB });
    await deliver(queue, 'a', 100, 1, 100);
    await deliver(queue, 'a', 400, 40, 3 * KIB);
    expect(queue.history.stats().bytes).toBeLessThan(240 * KIB);
    expect(sequencesOf(queue, 'a').at(-1)).toBe(500);
    expect(sequencesOf(queue, 'a').length).toBeGreaterThan(40);
  });

  it('forgets what was delivered too long ago', async () => {
    const clock = new FakeClock();
    const { queue } = await openWith(temporaryFolder(), { maxAgeS: 60, maxBytes: 1e9 }, clock);
    await deliver(queue, 'a', 5, 1);
    clock.advance(59_000);
    await deliver(queue, 'a', 5);
    expect(sequencesOf(queue, 'a')).toEqual(upTo(10));
    clock.advance(2000);
    await deliver(queue, 'b', 1);
    expect(sequencesOf(queue, 'a')).toEqual([6, 7, 8, 9, 10]);
  });

  it('forgets everything when it is turned off', async () => {
    const dir = temporaryFolder();
    const before = await openWith(dir);
    await deliver(before.queue, 'a', 30, 1);
    await before.queue.close();
    const { queue } = await openWith(dir, { maxAgeS: 3600, maxBytes: 0 });
    expect(queue.history.keeps).toBe(false);
    await deliver(queue, 'a', 1);
    await deliver(queue, 'a', 1);
    await queue.close();
    const after = await openWith(dir);
    expect(sequencesOf(after.queue, 'a')).toEqual([]);
  });
});

describe.skipIf(!SmallDisk.isPossible)('The journal on a full disk', () => {
  it('gives its room back before a change is refused, and is kept again when there is room', async () => {
    const disk = SmallDisk.mount(64);
    const clock = new FakeClock();
    const { queue, observer } = await openWith(join(disk.path, 'queue'), KEEP_ALL, clock);
    await deliver(queue, 'a', 60, 10, 500 * KIB);
    expect(sequencesOf(queue, 'a')).toHaveLength(60);
    disk.fill();
    await queue.accept([draft('a'), draft('a')]);
    // What LMDB has left in its file lasts for a while; then the disk is noticed to be full.
    for (let round = 0; round < 40 && !observer.availabilities.includes(false); round++) {
      await deliver(queue, 'b', 1, 1, 900 * KIB).catch(() => undefined);
    }
    expect(observer.availabilities).toEqual([false]);
    await until(
      () => {
        clock.advance(5000);
        return observer.availabilities.at(-1) === true;
      },
      { what: 'changes to be accepted again' },
    );
    expect(sequencesOf(queue, 'a').length).toBeLessThan(60);
    const kept = sequencesOf(queue, 'a').length;
    await deliver(queue, 'a', 3);
    expect(sequencesOf(queue, 'a').length).toBeLessThanOrEqual(kept);
    disk.clear();
    clock.advance(60_000);
    await deliver(queue, 'a', 2);
    await deliver(queue, 'a', 2);
    expect(sequencesOf(queue, 'a').slice(-2)).toEqual([queue.history.newest('a') - 1, queue.history.newest('a')]);
  }, 60_000);
});

describe('The journal of a process that is killed', () => {
  let child: Awaited<ReturnType<typeof buildChild>>;
  beforeAll(async () => {
    child = await buildChild('accepting-child');
  });
  afterAll(() => child.dispose());

  it('has what left the queue, and nothing that is still in it', async () => {
    const dir = temporaryFolder();
    const accepted = new Map<string, number>();
    for (let round = 1; round <= 4; round++) {
      let lines = 0;
      const process = startChild(child.script, [dir, String(round)], (line) => {
        lines++;
        const [entity, sequence, messageId] = line.split(' ');
        if (messageId) accepted.set(entity!, Math.max(accepted.get(entity!) ?? 0, Number(sequence)));
      });
      onTestFinished(() => void process.kill('SIGKILL'));
      await until(() => lines > 60 * round, { what: 'some messages to be accepted' });
      process.kill('SIGKILL');
      await ended(process);
    }
    const { queue } = await openWith(dir);
    const waiting = takeAll(queue);
    for (const [entity, newest] of accepted) {
      const inQueue = waiting.filter((message) => message.entity === entity).map(({ sequence }) => sequence);
      const inJournal = sequencesOf(queue, entity);
      expect(inJournal.length).toBeGreaterThan(5);
      const all = [...inJournal, ...inQueue].sort((a, b) => a - b);
      // More may have been accepted than this process was told of.
      expect(all).toEqual(upTo(queue.history.newest(entity)));
      expect(all.length).toBeGreaterThanOrEqual(newest);
    }
  });
});

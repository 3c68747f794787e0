import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QueueLockedError, QueueUnavailableError } from '../../src/mqtt-sync/errors.js';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { beginNewEpoch } from '../../src/mqtt-sync/queue/new-epoch.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { draft, idsOf, openOnDisk, take, takeAll, temporaryFolder, VESSEL, watch } from './queue-harness.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2 };

const begin = (dir: string) => beginNewEpoch(dir, new FakeClock(), silentLogger);

describe('a new epoch for the queue in a folder', () => {
  it('numbers what waits anew, in order, with the ids and data that it has', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    const hostile = { messageId: 'm2', dataJson: '{"s":",\\"epoch\\":1,\\"sequence\\":2","epoch":7,"sequence":8}' };
    await before.queue.accept([draft('crew', { messageId: 'gone' })]);
    before.queue.remove([take(before.queue)]);
    await before.queue.accept([
      draft('crew', { messageId: 'm1', idIsGiven: true }),
      draft('crew', hostile),
      draft('fuel'),
    ]);
    const { epoch } = before.queue.identity!;
    await before.queue.close();

    const { after, ...result } = await begin(dir);
    expect(result).toEqual({ before: { vesselId: 'mv-test', epoch }, messages: 3, deadLetters: 0 });
    expect(after.epoch).toBeGreaterThan(epoch);

    const { queue } = await openOnDisk(dir);
    expect(queue.identity).toEqual(after);
    const [repeated] = await queue.accept([draft('crew', { messageId: 'm1', idIsGiven: true })]);
    expect(repeated).toMatchObject({ sequence: 1, repeated: true });
    expect(queue.fateOf(repeated!)).toBe('waiting');
    const taken = takeAll(queue);
    expect(taken.map(({ entity, sequence }) => [entity, sequence])).toEqual([
      ['crew', 1],
      ['crew', 2],
      ['fuel', 1],
    ]);
    expect(idsOf(taken).slice(0, 2)).toEqual(['m1', 'm2']);
    const envelopes = taken.map(({ payload }) => JSON.parse(payload.toString()) as object);
    expect(envelopes[0]).toMatchObject({ messageId: 'm1', epoch: after.epoch, sequence: 1, data: { a: 1 } });
    expect(envelopes[1]).toMatchObject({
      epoch: after.epoch,
      sequence: 2,
      data: JSON.parse(hostile.dataJson) as object,
    });
    expect(queue.stats().bytes).toBe(taken.reduce((sum, { payload }) => sum + payload.length, 0));
    const [next] = await queue.accept([draft('crew')]);
    expect(next!.sequence).toBe(3);
  });

  it('loses neither a dead letter nor a gap', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([
      draft('crew'),
      draft('crew', { messageId: 'dead' }),
      draft('crew', { messageId: 'stays' }),
    ]);
    const [lost, dead] = takeAll(before.queue);
    before.queue.setAside(lost!, REFUSED);
    before.queue.setAside(dead!, REFUSED);
    await before.queue.settled();
    await before.queue.discardDeadLetter(lost!.position);
    await before.queue.close();

    const { after, ...result } = await begin(dir);
    expect(result).toMatchObject({ messages: 1, deadLetters: 1 });

    const { queue } = await openOnDisk(dir);
    expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 1, reason: 'discarded' }]);
    expect([...queue.deadLetters()]).toMatchObject([{ sequence: 2, message: { messageId: 'dead', sequence: 2 } }]);
    const { payload } = [...queue.deadLetters()][0]!.message!;
    expect(JSON.parse(payload.toString())).toMatchObject({ messageId: 'dead', epoch: after.epoch, sequence: 2 });
    await queue.retryDeadLetter(dead!.position);
    expect(takeAll(queue).map(({ messageId, sequence }) => [messageId, sequence])).toEqual([
      ['stays', 3],
      ['dead', 2],
    ]);
  });

  it('forgets what was delivered, which belongs to the old one', async () => {
    const dir = temporaryFolder();
    const journal = { maxAgeS: 1000, maxBytes: 1_000_000 };
    const open = async () => {
      const { queue } = watch((limits, clock, logger) => new DiskQueue({ ...limits, dir, journal }, clock, logger));
      await queue.open(VESSEL);
      return queue;
    };
    const kept = ({ history }: SyncQueue) => history.delivered('crew', { from: 1, to: 9 }, { records: 9, bytes: 9000 });
    const before = await open();
    await before.accept([draft('crew')]);
    before.remove([take(before)]);
    await before.settled();
    expect(kept(before)).toHaveLength(1);
    await before.close();
    await begin(dir);
    const queue = await open();
    expect([kept(queue), queue.history.newest('crew')]).toEqual([[], 0]);
  });

  it('can be begun again and again', async () => {
    const dir = temporaryFolder();
    const { queue } = await openOnDisk(dir);
    await queue.accept([draft('crew'), draft('crew')]);
    await queue.close();
    const epochs = [await begin(dir), await begin(dir)].map(({ after }) => after.epoch);
    expect(epochs[1]).toBe(epochs[0]! + 1);
    const again = await openOnDisk(dir);
    expect(takeAll(again.queue).map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('is refused while a process has the folder open, and where there is no queue', async () => {
    const dir = temporaryFolder();
    const { queue } = await openOnDisk(dir);
    await expect(begin(dir)).rejects.toThrow(QueueLockedError);
    await queue.close();
    const empty = temporaryFolder();
    await expect(begin(empty)).rejects.toThrow(QueueUnavailableError);
    expect(existsSync(join(empty, 'running'))).toBe(false);
  });
});

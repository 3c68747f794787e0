import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { QueueUnavailableError } from '../errors.js';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import { StoreFolder } from './store-folder.js';

const MIB = 1024 * 1024;
const KIND = { name: 'queue', file: 'queue.mdb', databases: ['meta'], loss: 'nothing is delivered' };

/** A folder on a disk with so much room; giving up the reserve makes so much more. */
function onDiskWith(freeBytes: number, reserveBytes = 0) {
  const dir = mkdtempSync(join(tmpdir(), 'store-folder-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const reserve = join(dir, 'reserve');
  if (reserveBytes > 0) writeFileSync(reserve, '');
  const disk = { freeBytes };
  const free = () => Promise.resolve(disk.freeBytes + (existsSync(reserve) ? 0 : reserveBytes));
  const folder = new StoreFolder(dir, KIND, new FakeClock(), silentLogger, free);
  onTestFinished(() => folder.leave(false));
  return { folder, dir, reserve, disk };
}

describe('StoreFolder', () => {
  it('is named from the root in what is said of it', () => {
    const folder = new StoreFolder('.some-queue', KIND, new FakeClock(), silentLogger);
    const path = join(process.cwd(), '.some-queue');
    expect(folder.unusable(new Error('no room'))).toMatchObject({
      message: expect.stringContaining(`The queue folder ${path} cannot be used: no room`) as unknown,
      details: { dir: path },
    });
  });
});

describe('StoreFolder on a disk with little room', () => {
  it('is not entered when LMDB would have no room for its lock file, which kills the process', async () => {
    const { folder, dir, disk } = onDiskWith(300 * 1024);
    // Who walked through the store would die of it as well, and the store be taken for damaged.
    writeFileSync(join(dir, 'queue.mdb'), 'no store at all');
    const entering = await folder.enter().catch((error: unknown) => error);
    expect(entering).toBeInstanceOf(QueueUnavailableError);
    expect(entering).toMatchObject({
      message: expect.stringMatching(/300 KiB free, 1024 KiB needed/) as unknown,
      details: { dir, freeBytes: 300 * 1024, neededBytes: MIB },
    });
    expect(readdirSync(dir).sort()).toEqual(['lock', 'queue.mdb']);
    await folder.leave(false);
    disk.freeBytes = 2 * MIB;
    rmSync(join(dir, 'queue.mdb'));
    await folder.enter();
  });

  it('is entered, so that the queue can be emptied, where the lock file is there already', async () => {
    const { folder, dir } = onDiskWith(0);
    writeFileSync(join(dir, 'queue.mdb-lock'), Buffer.alloc(8192, 1));
    await folder.enter();
  });

  it('has no room for a new store once a damaged one was set aside with its lock file', async () => {
    const { folder, dir } = onDiskWith(0);
    writeFileSync(join(dir, 'queue.mdb-lock'), Buffer.alloc(8192, 1));
    writeFileSync(join(dir, 'queue.mdb'), 'no store at all');
    await expect(folder.enter()).rejects.toBeInstanceOf(QueueUnavailableError);
    expect(readdirSync(dir).some((name) => name.startsWith('queue.mdb.damaged-'))).toBe(true);
  });

  it('gives up its reserve when that makes enough room', async () => {
    const { folder, reserve } = onDiskWith(0, 8 * MIB);
    await folder.enter();
    expect(existsSync(reserve)).toBe(false);
  });

  it('keeps its reserve while there is enough room', async () => {
    const { folder, reserve } = onDiskWith(MIB, 8 * MIB);
    await folder.enter();
    expect(existsSync(reserve)).toBe(true);
  });
});

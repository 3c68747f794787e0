import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyRecords } from './copy-records.js';
import { openRoot } from './lmdb-file.js';
import { runOnStore, type TaskEnd } from './store-child.js';

const AMPLE = 1e9;

/** Copies, as it is done, in another process. */
function copy(path: string, copyPath: string, { roomBytes = AMPLE, budgetMs = 20_000 } = {}): Promise<TaskEnd> {
  const { signal } = new AbortController();
  return runOnStore(copyRecords, [path, copyPath, roomBytes, budgetMs], { budgetMs: 20_000, signal });
}

/** Names of a file, and of one that is not there yet. */
function paths(): { readonly path: string; readonly copyPath: string } {
  const dir = mkdtempSync(join(tmpdir(), 'copy-records-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return { path: join(dir, 'a.mdb'), copyPath: join(dir, 'b.mdb') };
}

const byName = (root: RootDatabase<Buffer, string>, name: string) => root.openDB({ name, encoding: 'binary' });
const byNumber = (root: RootDatabase<Buffer, string>) =>
  root.openDB<Buffer, number>({ name: 'numbers', encoding: 'binary', keyEncoding: 'uint32' });

async function fill(path: string): Promise<void> {
  const root = openRoot(path);
  root.transactionSync(() => {
    for (let i = 0; i < 3000; i++) byName(root, 'names').putSync(`n${i}`, Buffer.alloc(i, i));
    byName(root, 'empty');
    // Little-endian numbers are not in the order of their bytes.
    for (const number of [1, 255, 256, 70_000]) byNumber(root).putSync(number, Buffer.from(String(number)));
  });
  await root.close();
}

describe('copyRecords()', () => {
  it('copies every record of every kind of database', async () => {
    const { path, copyPath } = paths();
    await fill(path);
    expect(await copy(path, copyPath)).toEqual({ outcome: 'done', lastWords: '' });
    const [from, to] = [openRoot(path), openRoot(copyPath)];
    expect([...to.getKeys()]).toEqual([...from.getKeys()]);
    for (let i = 0; i < 3000; i++) {
      expect(
        byName(to, 'names')
          .get(`n${i}`)!
          .equals(byName(from, 'names').get(`n${i}`)!),
      ).toBe(true);
    }
    expect([...byName(to, 'empty').getKeys()]).toEqual([]);
    expect([...byNumber(to).getRange({ start: 200 })].map(({ key, value }) => [key, String(value)])).toEqual([
      [255, '255'],
      [256, '256'],
      [70_000, '70000'],
    ]);
    await Promise.all([from.close(), to.close()]);
  });

  it('does not begin where there is no room, and says how much is needed', async () => {
    const { path, copyPath } = paths();
    await fill(path);
    expect(await copy(path, copyPath, { roomBytes: 1024 * 1024 })).toEqual({
      outcome: 'failed',
      lastWords: expect.stringMatching(/^it takes \d+ MiB, and 1 MiB of the disk can be used$/) as unknown,
    });
    expect(existsSync(copyPath)).toBe(false);
  });

  it('gives up when it takes too long', async () => {
    const { path, copyPath } = paths();
    await fill(path);
    expect(await copy(path, copyPath, { budgetMs: -1 })).toEqual({
      outcome: 'failed',
      lastWords: 'it takes longer than -0.001 s',
    });
  });

  it('copies nothing of a store of a kind that it does not know', async () => {
    const { path, copyPath } = paths();
    const root = openRoot(path);
    root.openDB({ name: 'several', dupSort: true, encoding: 'ordered-binary' });
    await root.close();
    expect(await copy(path, copyPath)).toEqual({
      outcome: 'failed',
      lastWords: '"several" is a database of an unknown kind',
    });
    expect(existsSync(copyPath)).toBe(false);
  });
});

import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../logger.js';
import { FakeClock } from '../time/fake-clock.js';
import { openStore } from './open-store.js';
import { StoreFolder } from './store-folder.js';

const DESCRIPTORS = '/proc/self/fd';
const KIND = { name: 'queue', file: 'queue.mdb', databases: [], loss: 'nothing is delivered' };

/** What this process has open in a folder. */
function openIn(dir: string): string[] {
  const targets = readdirSync(DESCRIPTORS).map((number) => {
    try {
      return readlinkSync(join(DESCRIPTORS, number));
    } catch {
      // The one of the listing itself.
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(dir));
}

describe.skipIf(!existsSync(DESCRIPTORS))('openStore()', () => {
  it('leaves no file open when a database of it cannot be opened', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'open-store-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const folder = new StoreFolder(dir, KIND, new FakeClock(), silentLogger);
    await folder.enter();
    const open = () => {
      throw new Error('no more databases');
    };
    await expect(openStore(folder, { open, read: () => undefined })).rejects.toThrow('no more databases');
    await folder.leave(false);
    expect(openIn(dir)).toEqual([]);
  });
});

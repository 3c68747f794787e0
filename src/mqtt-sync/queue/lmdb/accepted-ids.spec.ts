import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AcceptedIds } from './accepted-ids.js';
import { entryCount, openRoot } from '../../store/lmdb-file.js';
import { type Databases, openDatabases } from './databases.js';

const LIMIT = 5;

describe('AcceptedIds', () => {
  let dir: string;
  let databases: Databases;
  let ids: AcceptedIds;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'accepted-ids-'));
    databases = openDatabases(openRoot(join(dir, 'queue.mdb')));
    ids = new AcceptedIds(databases, LIMIT);
  });

  afterEach(async () => {
    await databases.root.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function remember(from: number, to: number): Promise<void> {
    const accepted = Array.from({ length: to - from + 1 }, (_, i) => from + i).map((number) => ({
      ...{ messageId: `m${number}`, entity: 'a', sequence: number, position: number, repeated: false },
    }));
    const { write, taken } = ids.prepare(accepted);
    await databases.root.batch(write);
    taken();
  }

  function known(upTo: number): number[] {
    return Array.from({ length: upTo }, (_, i) => i + 1).filter((number) => ids.get(`m${number}`));
  }

  it('forgets the oldest beyond the limit, also after it was opened anew', async () => {
    await remember(1, 3);
    await remember(4, 6);
    expect(known(6)).toEqual([2, 3, 4, 5, 6]);
    ids = new AcceptedIds(databases, LIMIT);
    await remember(7, 8);
    expect(known(8)).toEqual([4, 5, 6, 7, 8]);
    expect(ids.get('m8')).toEqual({ messageId: 'm8', entity: 'a', sequence: 8, position: 8, repeated: false });
    expect([entryCount(databases.acceptedIds), entryCount(databases.acceptedOrder)]).toEqual([LIMIT, LIMIT]);
  });

  it('keeps the newest of a commit with more ids than the limit', async () => {
    await remember(1, 12);
    expect(known(12).slice(-LIMIT)).toEqual([8, 9, 10, 11, 12]);
    await remember(13, 13);
    expect(known(13)).toEqual([9, 10, 11, 12, 13]);
  });

  it('does not count what was not committed', async () => {
    await remember(1, 2);
    ids.prepare([{ messageId: 'x', entity: 'a', sequence: 9, position: 9, repeated: false }]);
    await remember(3, 3);
    expect(known(3)).toEqual([1, 2, 3]);
    expect(ids.get('x')).toBeUndefined();
  });
});

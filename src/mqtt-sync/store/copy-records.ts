import type * as lmdb from 'lmdb';

/**
 * Copies every record of an LMDB file into a new file, which has nothing else of the old one: neither its list of free pages
 * nor what else a page says of itself, which are read only by whoever writes. It is all of it or nothing. A task of
 * `runOnStore()`.
 */
export function copyRecords(
  open: typeof lmdb.open,
  path: string,
  copyPath: string,
  roomBytes: number,
  budgetMs: number,
): boolean {
  interface Stats {
    readonly entryCount: number;
    readonly pageSize: number;
    readonly treeBranchPageCount: number;
    readonly treeLeafPageCount: number;
    readonly overflowPages: number;
  }
  const batchBytes = 4 * 1024 * 1024;
  // Where MDB_db, which is what the database of databases holds, has its flags (mdb.c), and the only one that we use.
  const flagsAt = 4;
  const integerKeys = 0x08;
  const until = Date.now() + budgetMs;
  const toMib = (bytes: number) => Math.ceil(bytes / 1024 / 1024);
  try {
    const common = { noSubdir: true, encoding: 'binary', keyEncoding: 'binary', maxDbs: 16 } as const;
    const from = open<Buffer, Buffer>({ path, readOnly: true, ...common });
    const databases = [...from.getRange({})].map(({ key, value }) => {
      const name = key.toString().replace(/\0$/, '');
      const flags = value.readUInt16LE(flagsAt);
      if ((flags & ~integerKeys) !== 0) throw new Error(`"${name}" is a database of an unknown kind`);
      return { name, encoding: 'binary', keyEncoding: flags === 0 ? 'binary' : 'uint32' } as const;
    });
    const originals = databases.map((options) => from.openDB<Buffer, Buffer>(options));
    const stats = originals.map((original) => original.getStats() as Stats);
    const taken = stats.reduce((sum, { pageSize, ...pages }) => {
      return sum + pageSize * (pages.treeBranchPageCount + pages.treeLeafPageCount + pages.overflowPages);
    }, 0);
    // Pages are filled less evenly when their records come one by one.
    const needed = taken * 1.25;
    if (needed > roomBytes) {
      throw new Error(
        `it takes ${toMib(needed)} MiB, and ${toMib(Math.max(0, roomBytes))} MiB of the disk can be used`,
      );
    }
    // Whoever started this process syncs the file.
    const to = open<Buffer, Buffer>({ path: copyPath, overlappingSync: false, noSync: true, ...common });
    databases.forEach((options, index) => {
      const copy = to.openDB<Buffer, Buffer>(options);
      let batch: { readonly key: Buffer; readonly value: Buffer }[] = [];
      let bytes = 0;
      let found = 0;
      const put = () => {
        to.transactionSync(() => {
          for (const { key, value } of batch) copy.putSync(key, value);
        });
        found += batch.length;
        batch = [];
        bytes = 0;
      };
      for (const { key, value } of originals[index]!.getRange({})) {
        batch.push({ key, value });
        bytes += value.length;
        if (bytes >= batchBytes) put();
        if (Date.now() > until) throw new Error(`it takes longer than ${budgetMs / 1000} s`);
      }
      put();
      const { entryCount } = stats[index]!;
      // Some damage ends a walk before its end.
      if (found < entryCount) {
        throw new Error(`only ${found} of ${entryCount} records of "${options.name}" can be reached`);
      }
    });
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return false;
  }
}

import type * as lmdb from 'lmdb';

/**
 * Opens an LMDB file and reads what is in it until the time is up; every page read is one that will not kill us later. A task
 * of `runOnStore()`.
 */
export function walkStore(open: typeof lmdb.open, path: string, names: readonly string[], budgetMs: number): boolean {
  const until = Date.now() + budgetMs;
  try {
    const root = open({ path, noSubdir: true, readOnly: true, encoding: 'binary', keyEncoding: 'binary', maxDbs: 16 });
    root.getStats();
    for (const name of names) {
      const database = root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }) as lmdb.Database | undefined;
      // A database that is not there yet is none to walk.
      if (!database) continue;
      const { entryCount } = database.getStats() as { entryCount: number };
      let found = 0;
      for (const entry of database.getRange({})) {
        if (entry.value !== undefined) found++;
        if (Date.now() > until) return true;
      }
      // Some damage ends a walk before its end.
      if (found < entryCount) throw new Error(`only ${found} of ${entryCount} records of "${name}" can be reached`);
    }
    return true;
  } catch (error) {
    // What the system says (no memory, too many files open, no right) says nothing of the store.
    if (Number((error as { code?: unknown }).code) > 0) throw error;
    console.error(error instanceof Error ? error.message : String(error));
    return false;
  }
}

import { open, type RootDatabase } from 'lmdb';

/** Values are records that we encode ourselves. */
export const ENCODING = 'binary';

/**
 * Errors of LMDB that mean that the file is none of its own (mdb.h): damaged, or of another version. The last one (a
 * transaction cannot go on) is what a list of free pages that cannot be read shows as.
 */
const DAMAGE_CODES: readonly unknown[] = [-30797, -30796, -30794, -30793, -30782];

/** The store can be opened, but not relied on. */
export class DamagedStoreError extends Error {}

/** As many databases as one file may have. */
const MAX_DATABASES = 16;

/** Opens an LMDB file, creating it when it is not there. */
export function openRoot(path: string): RootDatabase<Buffer, string> {
  return open<Buffer, string>({
    path,
    noSubdir: true,
    encoding: ENCODING,
    maxDbs: MAX_DATABASES,
    // With overlapping sync a put would resolve before its fdatasync.
    overlappingSync: false,
    // Each commit is one batch(). Batching by event turn would add a second promise that rejects with nobody listening.
    eventTurnBatching: false,
  });
}

/** Whether an error of opening or reading means that the file is damaged. */
export function isDamage(error: unknown): boolean {
  return DAMAGE_CODES.includes((error as { code?: unknown }).code) || error instanceof DamagedStoreError;
}

/** How many entries a database has; LMDB keeps that number itself. */
export function entryCount(database: { getStats(): object }): number {
  return (database.getStats() as { entryCount: number }).entryCount;
}

/**
 * Stores what `run` writes as one transaction. No async function, which would keep what makes the writes in memory until
 * they are on disk.
 * @throws {Error} why nothing of it was stored.
 */
export function transact(root: RootDatabase<Buffer, string>, run: () => void): Promise<unknown> {
  try {
    return root.batch(run).catch(failWithCause);
  } catch (error) {
    return failWithCause(error);
  }
}

/** What lmdb says of a failed commit comes in a second promise, which nobody else listens to. */
async function failWithCause(error: unknown): Promise<never> {
  const { commitError } = error as { commitError?: Promise<never> };
  let reason = error;
  await commitError?.catch((cause: unknown) => (reason = cause));
  throw reason instanceof Error ? reason : new Error(String(reason));
}

import { StoreFormatError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import { judgeHead } from './meta-pages.js';
import { runOnStore } from './store-child.js';
import { walkStore } from './walk-store.js';

/** The walk of a store whose file is suspiciously short sees everything, however long it takes within reason. */
const SUSPICIOUS_WALK_MS = 20_000;

/** What a check needs besides the store. */
export interface CheckTools {
  readonly logger: SyncLogger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Looks for damage that LMDB does not survive.
 * @param databases what to walk through, in this order.
 * @param walkMs how long to walk through the store after an unclean stop; 0 looks at the head of the file only.
 * @returns what is wrong, or undefined.
 * @throws {StoreFormatError} another version of LMDB wrote it.
 */
export async function checkStore(
  path: string,
  databases: readonly string[],
  walkMs: number,
  { logger, signal }: CheckTools,
): Promise<string | undefined> {
  const head = await judgeHead(path);
  // lmdb does not survive opening it.
  if (head === 'foreign') {
    throw new StoreFormatError(
      `${path} was written by another version of LMDB. It was left as it is: start the version of this service that ` +
        'wrote it, or give this one another folder.',
      { path },
    );
  }
  if (head === 'unreadable') return 'neither of its meta pages is one';
  const budgetMs = head === 'short' ? Math.max(walkMs, SUSPICIOUS_WALK_MS) : walkMs;
  if (budgetMs === 0) return undefined;
  const { outcome, lastWords } = await runOnStore(walkStore, [path, databases, budgetMs], { budgetMs, signal });
  if (outcome === 'died') return `a process that read it ${lastWords}`;
  if (outcome === 'failed') return lastWords || 'it could not be read';
  if (outcome === 'broken') logger.warn(`The store could not be checked (${lastWords}); it is used as it is.`);
  return undefined;
}

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { StoreFormatError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import { judgeHead } from './meta-pages.js';
import { WALK_DAMAGED, WALK_SOUND, walkStore } from './walk-store.js';

/** The walk of a store whose file is suspiciously short sees everything, however long it takes within reason. */
const SUSPICIOUS_WALK_MS = 20_000;
/** Starting a process and loading lmdb, on a slow and busy machine, on top of the walk. */
const PROCESS_ALLOWANCE_MS = 15_000;

/** What a process that died of a bad page leaves as its last word. */
const DEADLY_SIGNALS: readonly (string | null)[] = ['SIGBUS', 'SIGSEGV', 'SIGABRT'];

/**
 * Looks for damage that LMDB does not survive: it maps its file, so that a page that is missing or has been overwritten
 * kills the process that reads it. So another process reads it first.
 * @param databases what to walk through, in this order.
 * @param walkMs how long to walk through the store after an unclean stop; 0 looks at the head of the file only.
 * @returns what is wrong, or undefined.
 * @throws {StoreFormatError} another version of LMDB wrote it.
 */
export async function checkStore(
  path: string,
  databases: readonly string[],
  walkMs: number,
  logger: SyncLogger,
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
  const end = await walkInChild(path, databases, budgetMs);
  if (DEADLY_SIGNALS.includes(end.signal)) return `a process that read it died of ${end.signal}`;
  if (end.code === WALK_DAMAGED) return end.lastWords || 'it could not be read';
  if (end.code !== WALK_SOUND)
    logger.warn(`The store could not be checked (${end.lastWords || end.signal}); it is used as it is.`);
  return undefined;
}

interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastWords: string;
}

/** The source text is handed over, so that it makes no difference where this module was built or bundled to. */
function walkSource(path: string, databases: readonly string[], budgetMs: number): string {
  const lmdbPath = createRequire(import.meta.url).resolve('lmdb');
  const list = [path, databases, budgetMs].map((value) => JSON.stringify(value)).join(', ');
  const call = `(${walkStore.toString()})(require(${JSON.stringify(lmdbPath)}).open, ${list})`;
  return `process.exit(${call} ? ${WALK_SOUND} : ${WALK_DAMAGED})`;
}

function walkInChild(path: string, databases: readonly string[], budgetMs: number): Promise<ChildEnd> {
  return new Promise((resolve) => {
    // Options meant for this process (an inspector, a loader) are not for that one.
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = spawn(process.execPath, ['-e', walkSource(path, databases, budgetMs)], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: budgetMs + PROCESS_ALLOWANCE_MS,
      killSignal: 'SIGKILL',
    });
    let lastWords = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-300)));
    child.on('error', (error) => resolve({ code: null, signal: null, lastWords: error.message }));
    child.on('close', (code, signal) => resolve({ code, signal, lastWords: lastWords.trim().replaceAll(/\s+/g, ' ') }));
  });
}

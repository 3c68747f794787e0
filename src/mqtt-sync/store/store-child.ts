import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type * as lmdb from 'lmdb';

/** Starting a process and loading lmdb, on a slow and busy machine, on top of what it does. */
const PROCESS_ALLOWANCE_MS = 15_000;

const DONE = 0;
const FAILED = 3;
const BROKEN = 4;

/** What a process that died of a bad page leaves as its last word. */
const DEADLY_SIGNALS: readonly (string | null)[] = ['SIGBUS', 'SIGSEGV', 'SIGABRT'];

/**
 * What a process of its own does with a store, and whether it went well; it writes to stderr why not. It is handed over as
 * source text, so that it makes no difference where this module was built or bundled to: it must not use anything from outside.
 */
export type StoreTask<Args extends readonly unknown[]> = (open: typeof lmdb.open, ...args: Args) => boolean;

/** `broken`: the process could not be started, or did not end by itself. */
export interface TaskEnd {
  readonly outcome: 'done' | 'failed' | 'died' | 'broken';
  /** What it, or the system, said of that, in one line; may be empty. */
  readonly lastWords: string;
}

/**
 * LMDB maps its file, so that a page that is missing or has been overwritten kills the process that reads it: whoever reads
 * what may be damaged does it in another process.
 * @param budgetMs when the task itself ends at the latest.
 * @param signal ends the process; so does the end of this one.
 * @throws {unknown} the reason of the signal.
 */
export async function runOnStore<Args extends readonly unknown[]>(
  task: StoreTask<Args>,
  args: Args,
  { budgetMs, signal }: { readonly budgetMs: number; readonly signal: AbortSignal },
): Promise<TaskEnd> {
  signal.throwIfAborted();
  const end = await ended(() =>
    spawn(process.execPath, ['-e', sourceOf(task, args)], {
      // Options meant for this process (an inspector, a loader) are not for that one.
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: budgetMs + PROCESS_ALLOWANCE_MS,
      killSignal: 'SIGKILL',
      signal,
    }),
  );
  signal.throwIfAborted();
  return end;
}

function sourceOf(task: { toString(): string }, args: readonly unknown[]): string {
  const lmdbPath = createRequire(import.meta.url).resolve('lmdb');
  const given = args.map((value) => JSON.stringify(value)).join(', ');
  const call = `(${task.toString()})(require(${JSON.stringify(lmdbPath)}).open, ${given})`;
  // Whatever else is said of an error, its message would not be among the last words.
  const tell = `console.error(error instanceof Error ? error.message : error); process.exit(${BROKEN})`;
  return `try { process.exit(${call} ? ${DONE} : ${FAILED}) } catch (error) { ${tell} }`;
}

async function ended(start: () => ChildProcess): Promise<TaskEnd> {
  let child: ChildProcess;
  try {
    child = start();
  } catch (error) {
    return { outcome: 'broken', lastWords: String(error) };
  }
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const end = await lastOf(child);
  process.off('exit', kill);
  return end;
}

function lastOf(child: ChildProcess): Promise<TaskEnd> {
  return new Promise((resolve) => {
    let lastWords = '';
    // First of all: without files to open there is a child without a stderr, and this comes later.
    child.on('error', (error) => {
      // One that runs is waited for, whatever went wrong with it.
      if (child.pid === undefined) resolve({ outcome: 'broken', lastWords: error.message });
    });
    child.on('close', (code, signal) => {
      const said = lastWords.trim().replaceAll(/\s+/g, ' ');
      if (DEADLY_SIGNALS.includes(signal)) resolve({ outcome: 'died', lastWords: `died of ${signal}` });
      else if (code === DONE) resolve({ outcome: 'done', lastWords: said });
      else if (code === FAILED) resolve({ outcome: 'failed', lastWords: said });
      else resolve({ outcome: 'broken', lastWords: said || `it was ended by ${signal}` });
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-300)));
  });
}

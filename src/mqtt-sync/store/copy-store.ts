import { rm } from 'node:fs/promises';
import { copyRecords } from './copy-records.js';
import { withFile } from './durable-files.js';
import { runOnStore } from './store-child.js';

/** A store that cannot be copied in this time is used as it is. */
const LONGEST_COPY_MS = 20_000;

/**
 * Makes a copy of a store that takes nothing of it but its records, and is on disk when it is there.
 * @param roomBytes how much of the disk it may take.
 * @returns why there is none, or undefined.
 */
export async function copyStore(
  path: string,
  copyPath: string,
  roomBytes: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  await removeCopy(copyPath);
  // There is no other way to write that nothing is known to limit it.
  const room = Math.min(roomBytes, Number.MAX_SAFE_INTEGER);
  const budgetMs = LONGEST_COPY_MS;
  const { outcome, lastWords } = await runOnStore(copyRecords, [path, copyPath, room, budgetMs], { budgetMs, signal });
  if (outcome !== 'done') return outcome === 'died' ? `a process that copied it ${lastWords}` : lastWords;
  await rm(lockOf(copyPath), { force: true });
  await withFile(copyPath, 'r+', (file) => file.sync());
  return undefined;
}

/** Of a copy nobody needs, whole or not. */
export async function removeCopy(copyPath: string): Promise<void> {
  for (const path of [copyPath, lockOf(copyPath)]) await rm(path, { force: true });
}

function lockOf(path: string): string {
  return `${path}-lock`;
}

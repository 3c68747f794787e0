import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { QueueLockedError } from '../errors.js';

/** The part of fs-native-extensions used here; the package has no declarations. */
interface FileLocks {
  /** Whether the lock was granted; it belongs to the open file, so it dies with the process and not before. */
  readonly tryLock: (fd: number) => boolean;
}

const { tryLock } = createRequire(import.meta.url)('fs-native-extensions') as FileLocks;

/** A lock on a folder, held by the kernel: a process that is killed leaves none behind. */
export class FolderLock {
  private constructor(private fd: number | undefined) {}

  /** @throws {QueueLockedError} somebody has the lock, in this process or another. */
  static acquire(path: string, dir: string, what: string): FolderLock {
    const fd = openSync(path, 'a+', 0o600);
    try {
      if (!tryLock(fd)) throw lockedError(path, dir, what);
      signWithPid(fd);
      return new FolderLock(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  release(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

/** For whoever is refused; on a full disk the lock is as good without it. */
function signWithPid(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, String(process.pid));
  } catch {
    // The lock holds all the same.
  }
}

function lockedError(path: string, dir: string, what: string): QueueLockedError {
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  const who = Number.isInteger(pid) ? `process ${pid}` : 'another process';
  return new QueueLockedError(
    `The ${what} folder ${dir} is in use by ${who}. Stop that one, or give this one a folder of its own.`,
    { dir, ...(Number.isInteger(pid) ? { pid } : {}) },
  );
}

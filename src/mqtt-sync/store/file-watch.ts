import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { QueueUnavailableError } from '../errors.js';
import type { Clock } from '../time/clock.js';

const LOOK_EVERY_MS = 1000;

/** What the system says when nothing is there under a name. */
const GONE: readonly unknown[] = ['ENOENT', 'ENOTDIR'];

/** Sees whether the file that is open is still the one that its name stands for: LMDB goes on writing to one that is not. */
export class FileWatch {
  private isGone = false;
  private nextLookMs: number;

  private constructor(
    private readonly path: string,
    private readonly identity: string,
    private readonly clock: Clock,
  ) {
    this.nextLookMs = clock.monotonicMs() + LOOK_EVERY_MS;
  }

  /** For a file that was opened just now. */
  static async begin(path: string, clock: Clock): Promise<FileWatch> {
    return new FileWatch(path, await identityOf(path), clock);
  }

  /**
   * Looks now and then, and every time once it was gone: who put it away may put it back.
   * @throws {QueueUnavailableError} it is not there any more.
   */
  async assertInPlace(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.nextLookMs && !this.isGone) return;
    this.nextLookMs = nowMs + LOOK_EVERY_MS;
    if (await this.isInPlace()) return;
    const path = resolve(this.path);
    throw new QueueUnavailableError(
      `${path} was deleted or replaced while it was in use: what is stored in it now is gone when this process ends. ` +
        'Restart the service, which then uses what is there, or put the file back',
      { path },
    );
  }

  async isInPlace(): Promise<boolean> {
    try {
      this.isGone = (await identityOf(this.path)) !== this.identity;
    } catch (error) {
      // Otherwise nothing is known.
      if (GONE.includes((error as { code?: unknown }).code)) this.isGone = true;
    }
    return !this.isGone;
  }
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev} ${ino}`;
}

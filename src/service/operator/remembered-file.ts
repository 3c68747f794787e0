import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import * as z from 'zod';

/** Larger is none of ours. */
const MOST_BYTES = 256 * 1024;

/** The latest moment that a date can be, in milliseconds. */
const LATEST_MS = 8_640_000_000_000_000;

/** A moment as such a file has it, in milliseconds: one that can be shown. */
export const moment = z.number().min(-LATEST_MS).max(LATEST_MS);

/**
 * A small file beside the queue, in which the service keeps something for its next life. It is a convenience: nothing waits for
 * the disk, and a damaged file is begun anew.
 */
export class RememberedFile<Content extends object> {
  constructor(
    private readonly path: string,
    private readonly schema: z.ZodType<Content>,
  ) {}

  /** Undefined when there is none, or it makes no sense. `lastSeenMs`: when it was last written or touched. */
  async read(): Promise<{ readonly content: Content; readonly lastSeenMs: number } | undefined> {
    try {
      const { size, mtimeMs } = await stat(this.path);
      if (size > MOST_BYTES) return undefined;
      const { data } = this.schema.safeParse(JSON.parse(await readFile(this.path, 'utf8')));
      return data && { content: data, lastSeenMs: mtimeMs };
    } catch {
      return undefined;
    }
  }

  async write(content: Content): Promise<void> {
    const next = `${this.path}.new`;
    try {
      await writeFile(next, JSON.stringify(content), { mode: 0o600 });
      await rename(next, this.path);
    } catch {
      // The disk may be full, or the folder not there yet: the next change tries again.
    }
  }

  /** Says that the service lives. */
  async touch(nowMs: number): Promise<void> {
    await utimes(this.path, nowMs / 1000, nowMs / 1000).catch(() => undefined);
  }
}

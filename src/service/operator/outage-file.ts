import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { type Outage } from './outages.js';

/** Larger is none of ours. */
const MOST_BYTES = 256 * 1024;

const schema = z.object({
  version: z.literal(1),
  sinceMs: z.number(),
  outages: z
    .array(
      z.object({
        kind: z.enum(['disconnected', 'not_running']),
        fromMs: z.number(),
        toMs: z.number(),
        reason: z.string().max(400),
        count: z.int().min(1),
      }),
    )
    .max(1000),
  current: z.object({ fromMs: z.number(), reason: z.string().max(400) }).optional(),
});

/** What earlier lives of the service knew of outages. */
export interface RememberedOutages {
  /** From when on outages are known. */
  readonly sinceMs: number;
  readonly outages: readonly Outage[];
  /** The outage in which the service ended. */
  readonly current?: { readonly fromMs: number; readonly reason: string } | undefined;
}

/**
 * Keeps the outage history across restarts, in a small file beside the queue. It is a convenience: nothing waits for the
 * disk, a damaged file is begun anew, and after a kill the time of the death is known to a minute.
 */
export class OutageFile {
  constructor(private readonly path: string) {}

  /** Undefined when there is none, or it makes no sense. `lastSeenMs`: when the service last said that it lives. */
  async read(): Promise<(RememberedOutages & { readonly lastSeenMs: number }) | undefined> {
    try {
      const { size, mtimeMs } = await stat(this.path);
      if (size > MOST_BYTES) return undefined;
      const { data } = schema.safeParse(JSON.parse(await readFile(this.path, 'utf8')));
      return data && { ...data, lastSeenMs: mtimeMs };
    } catch {
      return undefined;
    }
  }

  async write(remembered: RememberedOutages): Promise<void> {
    const next = `${this.path}.new`;
    try {
      await writeFile(next, JSON.stringify({ version: 1, ...remembered }), { mode: 0o600 });
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

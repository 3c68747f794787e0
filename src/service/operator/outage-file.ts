import * as z from 'zod';
import type { Outage } from './outages.js';
import { moment, RememberedFile } from './remembered-file.js';

const schema = z.object({
  version: z.literal(1),
  sinceMs: moment,
  outages: z
    .array(
      z.object({
        kind: z.enum(['disconnected', 'not_running']),
        fromMs: moment,
        toMs: moment,
        reason: z.string().max(400),
        count: z.int().min(1),
      }),
    )
    .max(1000),
  current: z.object({ fromMs: moment, reason: z.string().max(400) }).optional(),
});

/** What earlier lives of the service knew of outages. */
export interface RememberedOutages {
  /** From when on outages are known. */
  readonly sinceMs: number;
  readonly outages: readonly Outage[];
  /** The outage in which the service ended. */
  readonly current?: { readonly fromMs: number; readonly reason: string } | undefined;
}

/** Keeps the outage history across restarts; after a kill the time of the death is known to a minute. */
export class OutageFile {
  private readonly file: RememberedFile<z.infer<typeof schema>>;

  constructor(path: string) {
    this.file = new RememberedFile(path, schema);
  }

  /** Undefined when there is none, or it makes no sense. `lastSeenMs`: when the service last said that it lives. */
  async read(): Promise<(RememberedOutages & { readonly lastSeenMs: number }) | undefined> {
    const found = await this.file.read();
    return found && { ...found.content, lastSeenMs: found.lastSeenMs };
  }

  async write({ outages, ...remembered }: RememberedOutages): Promise<void> {
    await this.file.write({ version: 1, ...remembered, outages: [...outages] });
  }

  /** Says that the service lives. */
  async touch(nowMs: number): Promise<void> {
    await this.file.touch(nowMs);
  }
}

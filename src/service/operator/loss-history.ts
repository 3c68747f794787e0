import * as z from 'zod';
import type { SyncEvents } from '../../mqtt-sync/sync-events.js';
import type { Clock } from '../../mqtt-sync/time/clock.js';
import { moment, RememberedFile } from './remembered-file.js';
import { SoonWritten } from './soon-written.js';

const schema = z.object({
  version: z.literal(1),
  sinceMs: moment,
  lost: z.int().min(0),
  lastMs: moment.optional(),
});

/** What was lost before the process started. */
export interface EarlierLosses {
  /** Changes dropped, given up or not found in the store. */
  readonly lost: number;
  /** When the last of them was. */
  readonly lastMs: number | undefined;
  /** From when on losses are known. */
  readonly sinceMs: number;
}

/** How many changes were lost in earlier lives of the service, so that a restart does not make anybody believe that none were. */
export class LossHistory {
  private before: EarlierLosses;
  private lost = 0;
  private lastMs: number | undefined;
  private readonly written: SoonWritten;
  private readonly file: RememberedFile<z.infer<typeof schema>> | undefined;

  /** @param path of the file in which to remember; undefined: this life only. */
  constructor(
    events: SyncEvents,
    private readonly clock: Clock,
    path: string | undefined,
  ) {
    this.before = { lost: 0, lastMs: undefined, sinceMs: clock.wallMs() };
    this.written = new SoonWritten(clock, () => this.write());
    this.file = path === undefined ? undefined : new RememberedFile(path, schema);
    events.on('message_dropped', () => this.add(1));
    events.on('dead_letter_discarded', () => this.add(1));
    events.on('messages_missing', ({ count }) => this.add(count));
  }

  get earlier(): EarlierLosses {
    return this.before;
  }

  /** Reads what earlier lives have lost. */
  async load(): Promise<void> {
    const known = await this.file?.read();
    if (known) {
      const { sinceMs, lost, lastMs } = known.content;
      this.before = { sinceMs, lost, lastMs };
    }
    await this.written.now();
  }

  /** Writes what is known for the next life. */
  async stop(): Promise<void> {
    await this.written.now();
  }

  private add(count: number): void {
    this.lost += count;
    this.lastMs = this.clock.wallMs();
    this.written.soon();
  }

  private write(): Promise<void> | undefined {
    const { sinceMs, lost, lastMs } = this.before;
    const newestMs = this.lastMs ?? lastMs;
    const last = newestMs === undefined ? {} : { lastMs: newestMs };
    return this.file?.write({ version: 1, sinceMs, lost: lost + this.lost, ...last });
  }
}

import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { ServiceClient } from '../target/service-client.js';
import { type BatchLimits, inBatches } from './batches.js';
import { ChangePoster, interrupted, type PosterOptions } from './change-poster.js';
import { type Line, readLines } from './lines.js';
import { type BadLine, prepareChange, type PreparedChange } from './prepared-change.js';
import type { Advance } from './progress.js';

/** What is published, and how. */
export interface PublicationOptions extends Pick<PosterOptions, 'patienceMs' | 'signal' | 'waiting'> {
  /** Lines before this one are left out. */
  readonly fromLine: number;
  /** The first bad line ends it. */
  readonly stopsAtBadLine: boolean;
  readonly advanced: (advance: Advance) => void;
  readonly bad: (line: BadLine) => Promise<void>;
}

/** Larger than the largest body that the service takes by default. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
const BATCH: BatchLimits = { items: 500, bytes: 1024 * 1024, waitMs: 100 };

/** Publishes changes line by line; only one batch is in memory. */
export class Publication {
  /** Changes that the service has accepted. */
  accepted = 0;
  /** Lines that were no changes, or were refused. */
  bad = 0;
  /** The last line that was read; 0 while there was none. */
  lastLine = 0;
  /** The first line of which it is not known that it is settled: where to resume. */
  nextLine: number;

  constructor(
    private readonly client: ServiceClient,
    private readonly options: PublicationOptions,
  ) {
    this.nextLine = options.fromLine;
  }

  /** @throws {CliError} it cannot go on; `nextLine` says how far it is. */
  async run(source: AsyncIterable<Buffer>): Promise<void> {
    const { patienceMs, signal, waiting, fromLine } = this.options;
    const accepted = (changes: readonly PreparedChange[]) => {
      this.accepted += changes.length;
      this.nextLine = changes.at(-1)!.line + 1;
    };
    const refused = (line: BadLine) => this.refuse(line);
    const poster = new ChangePoster(this.client, { patienceMs, signal, waiting, accepted, refused });
    const lines = untilAborted(readLines(source, MAX_LINE_BYTES), signal);
    const bytesOf = ({ text }: Line) => text?.length ?? 0;
    for await (const batch of inBatches(lines, bytesOf, BATCH)) {
      const wanted = batch.filter(({ number }) => number >= fromLine);
      await this.postBatch(poster, wanted);
      const { number, endsAt } = batch.at(-1)!;
      this.lastLine = number;
      this.nextLine = Math.max(fromLine, number + 1);
      this.options.advanced({ accepted: this.accepted, bad: this.bad, bytes: endsAt });
    }
    if (signal.aborted) throw interrupted();
  }

  private async postBatch(poster: ChangePoster, batch: readonly Line[]): Promise<void> {
    let changes: PreparedChange[] = [];
    for (const line of batch) {
      const change = prepareChange(line);
      if ('json' in change) {
        changes.push(change);
        continue;
      }
      if (this.options.stopsAtBadLine) {
        await poster.post(changes);
        changes = [];
      }
      await this.refuse(change);
    }
    await poster.post(changes);
  }

  private async refuse(line: BadLine): Promise<void> {
    this.bad++;
    await this.options.bad(line);
    if (!this.options.stopsAtBadLine) return;
    this.nextLine = line.line;
    throw new CliError(`Stopped at line ${line.line}.`, EXIT.failed);
  }
}

/** Ends at once when the signal is aborted, also while nothing comes. */
async function* untilAborted<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item> {
  const aborted = new Promise<{ done: true; value: undefined }>((resolve) => {
    signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
  });
  const items = source[Symbol.asyncIterator]();
  while (!signal.aborted) {
    const next = await Promise.race([items.next(), aborted]);
    if (next.done) return;
    yield next.value;
  }
}

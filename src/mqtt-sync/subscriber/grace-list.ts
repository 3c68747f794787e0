import type { CancelTimer, Clock } from '../time/clock.js';
import type { StreamId } from '../wire/incoming-change.js';
import { numbersIn, type Range, SequenceRanges } from '../wire/sequence-ranges.js';

/** Holes of one stream that opened within a second of each other. */
interface Batch {
  readonly dueMs: number;
  readonly ranges: SequenceRanges<'waiting'>;
}

interface Waiting {
  readonly stream: StreamId;
  readonly batches: Batch[];
}

/** Holes that open within this time are told together, so that each stream has no more of them than the grace has seconds. */
const BATCH_MS = 1000;
/** A batch with more ranges waits as one: what is told in the end is only what is still missing. */
const MAX_RANGES = 1000;

/** Holes that are too young to be told. */
export class GraceList {
  private readonly byStream = new Map<string, Waiting>();
  private cancel: CancelTimer | undefined;
  private stopped = false;

  constructor(
    private readonly graceMs: number,
    private readonly clock: Clock,
    private readonly ripe: (stream: StreamId, ranges: readonly Range[]) => void,
  ) {}

  add(stream: StreamId, range: Range): void {
    if (this.stopped) return;
    const name = nameOf(stream);
    const { vesselId, epoch, entity } = stream;
    const waiting = this.byStream.get(name) ?? { stream: { vesselId, epoch, entity }, batches: [] };
    this.byStream.set(name, waiting);
    const { ranges } = this.batchFor(waiting.batches, this.clock.monotonicMs() + this.graceMs);
    ranges.addRange(range, 'waiting');
    if (ranges.length > MAX_RANGES) ranges.addRange({ from: ranges.first!.from, to: ranges.last!.to }, 'waiting');
    this.schedule();
  }

  /** Ranges of a stream without those that are too young. */
  withoutWaiting(stream: StreamId, ranges: readonly Range[]): Range[] {
    const left = new SequenceRanges(ranges.map(({ from, to }) => ({ from, to, reason: 'missing' as const })));
    for (const batch of this.byStream.get(nameOf(stream))?.batches ?? []) left.remove(batch.ranges.toArray());
    return left.toArray().map(({ from, to }) => ({ from, to }));
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    this.byStream.clear();
  }

  private batchFor(batches: Batch[], dueMs: number): Batch {
    const last = batches.at(-1);
    if (last && dueMs <= last.dueMs) return last;
    // Due with what opens up to a second later, so that nothing is told before its grace is over.
    const batch = { dueMs: dueMs + BATCH_MS, ranges: new SequenceRanges<'waiting'>() };
    batches.push(batch);
    return batch;
  }

  private schedule(): void {
    this.cancel ??= this.clock.after(BATCH_MS, () => {
      this.cancel = undefined;
      this.tell();
      if (this.byStream.size > 0 && !this.stopped) this.schedule();
    });
  }

  private tell(): void {
    const nowMs = this.clock.monotonicMs();
    for (const [name, { stream, batches }] of this.byStream) {
      while (batches.length > 0 && batches[0]!.dueMs <= nowMs) {
        const ranges = batches.shift()!.ranges.toArray();
        if (numbersIn(ranges) > 0) this.ripe(stream, ranges);
      }
      if (batches.length === 0) this.byStream.delete(name);
    }
  }
}

function nameOf({ vesselId, epoch, entity }: StreamId): string {
  return `${vesselId}\u0000${epoch}\u0000${entity}`;
}

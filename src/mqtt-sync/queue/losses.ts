import { type GapReason, type SequenceRange, SequenceRanges } from '../wire/sequence-ranges.js';

/** Ranges kept of one entity type: about 100 KiB. Dropping from the front makes one range of many, so few need this. */
const MAX_RANGES = 1024;

/** Why a sequence is in a set of ranges; undefined when it is not. */
export function reasonIn(ranges: SequenceRanges, sequence: number): GapReason | undefined {
  if (!ranges.has(sequence)) return undefined;
  return ranges.toArray().find(({ from, to }) => from <= sequence && sequence <= to)?.reason;
}

/** Sequences of one entity type lost in this life of the process; of very many ranges only the newest are remembered. */
export class Losses {
  private ranges = new SequenceRanges();
  private additions = 0;

  add(sequence: number, reason: GapReason): void {
    this.ranges.add(sequence, reason);
    if (++this.additions % MAX_RANGES === 0) this.ranges = new SequenceRanges(this.ranges.toArray().slice(-MAX_RANGES));
  }

  toArray(): readonly SequenceRange[] {
    return this.ranges.toArray();
  }

  reasonOf(sequence: number): GapReason | undefined {
    return reasonIn(this.ranges, sequence);
  }
}

/** Why sequence numbers will never arrive. */
export const GAP_REASONS = ['dropped', 'discarded', 'corrupt'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Sequence numbers from `from` to `to`, both included, that share a reason. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/** A set of sequence numbers with reasons, kept as sorted ranges; neighbours with one reason are one range. */
export class SequenceRanges {
  private ranges: SequenceRange[];

  constructor(ranges: readonly SequenceRange[] = []) {
    this.ranges = [...ranges];
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** How many sequence numbers are in the set. */
  get count(): number {
    return this.ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
  }

  has(sequence: number): boolean {
    const range = this.ranges[this.lastStartingAtOrBefore(sequence)];
    return range !== undefined && range.to >= sequence;
  }

  toArray(): readonly SequenceRange[] {
    return [...this.ranges];
  }

  /** Adds one number; one that is in the set already keeps its first reason. */
  add(sequence: number, reason: GapReason): void {
    const at = this.lastStartingAtOrBefore(sequence);
    const before = this.ranges[at];
    if (before && before.to >= sequence) return;
    const after = this.ranges[at + 1];
    const joinsBefore = before?.to === sequence - 1 && before.reason === reason;
    const joinsAfter = after?.from === sequence + 1 && after.reason === reason;
    const merged: SequenceRange = {
      from: joinsBefore ? before.from : sequence,
      to: joinsAfter ? after.to : sequence,
      reason,
    };
    const first = joinsBefore ? at : at + 1;
    this.ranges.splice(first, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), merged);
  }

  /** Takes numbers out of the set, whatever their reason. */
  remove(ranges: readonly Pick<SequenceRange, 'from' | 'to'>[]): void {
    for (const { from, to } of ranges) {
      this.ranges = this.ranges.flatMap((range) => {
        if (range.to < from || range.from > to) return [range];
        const left = range.from < from ? [{ ...range, to: from - 1 }] : [];
        const right = range.to > to ? [{ ...range, from: to + 1 }] : [];
        return [...left, ...right];
      });
    }
  }

  private lastStartingAtOrBefore(sequence: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.from <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

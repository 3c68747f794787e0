/**
 * Why sequence numbers will never arrive: `dropped` for want of room, `discarded` as a dead letter, `corrupt` on disk; or
 * `pruned`: they were delivered once, and are no longer kept for whoever missed them.
 */
export const GAP_REASONS = ['dropped', 'discarded', 'corrupt', 'pruned'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** Sequence numbers from `from` to `to`, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Sequence numbers from `from` to `to`, both included, that share a reason. */
export interface SequenceRange<Reason = GapReason> extends Range {
  readonly reason: Reason;
}

/** A set of sequence numbers with reasons, kept as sorted ranges; neighbours with one reason are one range. */
export class SequenceRanges<Reason = GapReason> {
  private ranges: SequenceRange<Reason>[];
  private counted: number;

  constructor(ranges: readonly SequenceRange<Reason>[] = []) {
    this.ranges = [...ranges];
    this.counted = numbersIn(ranges);
  }

  get isEmpty(): boolean {
    return this.ranges.length === 0;
  }

  /** How many sequence numbers are in the set. */
  get count(): number {
    return this.counted;
  }

  /** How many ranges it takes to hold them. */
  get length(): number {
    return this.ranges.length;
  }

  get first(): SequenceRange<Reason> | undefined {
    return this.ranges[0];
  }

  get last(): SequenceRange<Reason> | undefined {
    return this.ranges.at(-1);
  }

  has(sequence: number): boolean {
    return this.reasonOf(sequence) !== undefined;
  }

  /** The reason of one number; undefined when it is not in the set. */
  reasonOf(sequence: number): Reason | undefined {
    const range = this.ranges[this.lastStartingAtOrBefore(sequence)];
    return range !== undefined && range.to >= sequence ? range.reason : undefined;
  }

  toArray(): readonly SequenceRange<Reason>[] {
    return [...this.ranges];
  }

  /** What of `within` is not in the set. */
  holes({ from, to }: Range): Range[] {
    const holes: Range[] = [];
    let next = from;
    for (let at = Math.max(0, this.lastStartingAtOrBefore(from)); at < this.ranges.length; at++) {
      const range = this.ranges[at]!;
      if (range.from > to) break;
      if (range.from > next) holes.push({ from: next, to: range.from - 1 });
      next = Math.max(next, range.to + 1);
    }
    if (next <= to) holes.push({ from: next, to });
    return holes;
  }

  /** Adds one number; one that is in the set already keeps its first reason. */
  add(sequence: number, reason: Reason): void {
    this.addRange({ from: sequence, to: sequence }, reason);
  }

  /**
   * Adds numbers; those that are in the set already keep their first reason.
   * @returns what was not in the set before.
   */
  addRange(range: Range, reason: Reason): Range[] {
    const added = this.holes(range);
    for (const hole of added) this.insert(hole, reason);
    return added;
  }

  /** Takes numbers out of the set, whatever their reason. */
  remove(ranges: readonly Range[]): void {
    for (const { from, to } of ranges) {
      const first = Math.max(0, this.lastStartingAtOrBefore(from));
      const end = this.lastStartingAtOrBefore(to) + 1;
      if (first >= end) continue;
      const touched = this.ranges.slice(first, end);
      const kept = touched.flatMap((range) => {
        const left = range.from < from ? [{ ...range, to: Math.min(range.to, from - 1) }] : [];
        const right = range.to > to ? [{ ...range, from: Math.max(range.from, to + 1) }] : [];
        return [...left, ...right];
      });
      this.ranges.splice(first, end - first, ...kept);
      this.counted += numbersIn(kept) - numbersIn(touched);
    }
  }

  /** Inserts numbers of which none is in the set. */
  private insert({ from, to }: Range, reason: Reason): void {
    const at = this.lastStartingAtOrBefore(from);
    const before = this.ranges[at];
    const after = this.ranges[at + 1];
    const joinsBefore = before?.to === from - 1 && before.reason === reason;
    const joinsAfter = after?.from === to + 1 && after.reason === reason;
    const merged = { from: joinsBefore ? before.from : from, to: joinsAfter ? after.to : to, reason };
    const first = joinsBefore ? at : at + 1;
    this.ranges.splice(first, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), merged);
    this.counted += to - from + 1;
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

/** How many numbers ranges hold that do not overlap. */
export function numbersIn(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

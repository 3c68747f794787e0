import { type SequenceRange, SequenceRanges } from '../../wire/sequence-ranges.js';

/**
 * The sequences of one entity type in a new epoch: everything that is not settled gets a number from 1 on, in the old
 * order. So nothing that was lost goes untold, and a receiver that follows the new epoch misses nothing.
 */
export class Renumbering {
  /** The newest sequence of the entity type in the new epoch. */
  readonly newest: number;
  /** What is not settled: what is stored, and what was lost and not told. */
  private readonly unsettled: readonly SequenceRange[];
  /** How many numbers there are before each of the ranges. */
  private readonly before: readonly number[];

  constructor(stored: readonly number[], gaps: readonly SequenceRange[]) {
    const numbers = new SequenceRanges(gaps);
    for (const sequence of [...stored].sort((a, b) => a - b)) numbers.add(sequence, 'dropped');
    this.unsettled = numbers.toArray();
    let count = 0;
    this.before = this.unsettled.map(({ from, to }) => {
      const before = count;
      count += to - from + 1;
      return before;
    });
    this.newest = count;
  }

  /** What was stored or lost under an old number. */
  of(sequence: number): number {
    let low = 0;
    let high = this.unsettled.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.unsettled[middle]!.from <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.before[low - 1]! + sequence - this.unsettled[low - 1]!.from + 1;
  }

  /** Gaps under their new numbers. */
  gapsOf(gaps: readonly SequenceRange[]): readonly SequenceRange[] {
    const renumbered = new SequenceRanges();
    for (const { from, to, reason } of gaps) renumbered.addRange({ from: this.of(from), to: this.of(to) }, reason);
    return renumbered.toArray();
  }
}

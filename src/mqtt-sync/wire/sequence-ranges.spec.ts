import { describe, expect, it } from 'vitest';
import { SequenceRanges } from './sequence-ranges.js';

describe('SequenceRanges', () => {
  it('merges neighbours that share a reason, in whatever order they come', () => {
    const ranges = new SequenceRanges();
    for (const sequence of [3, 1, 5, 2, 4]) ranges.add(sequence, 'dropped');
    expect(ranges.toArray()).toEqual([{ from: 1, to: 5, reason: 'dropped' }]);
    expect(ranges.count).toBe(5);
  });

  it('keeps neighbours with different reasons apart', () => {
    const ranges = new SequenceRanges();
    ranges.add(1, 'dropped');
    ranges.add(2, 'discarded');
    ranges.add(3, 'dropped');
    expect(ranges.toArray()).toHaveLength(3);
  });

  it('counts a number once, with its first reason', () => {
    const ranges = new SequenceRanges();
    ranges.add(7, 'dropped');
    ranges.add(7, 'corrupt');
    expect(ranges.toArray()).toEqual([{ from: 7, to: 7, reason: 'dropped' }]);
  });

  it('takes out the middle of a range and leaves both ends', () => {
    const ranges = new SequenceRanges([{ from: 1, to: 10, reason: 'dropped' }]);
    ranges.remove([{ from: 4, to: 6 }]);
    expect(ranges.toArray()).toEqual([
      { from: 1, to: 3, reason: 'dropped' },
      { from: 7, to: 10, reason: 'dropped' },
    ]);
    expect(ranges.has(5)).toBe(false);
    expect(ranges.has(7)).toBe(true);
  });

  it('agrees with a plain set over random additions and removals', () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const ranges = new SequenceRanges();
    const model = new Set<number>();
    for (let step = 0; step < 2000; step++) {
      const sequence = random(60);
      if (random(3) > 0) {
        ranges.add(sequence, 'dropped');
        model.add(sequence);
      } else {
        const to = sequence + random(5);
        ranges.remove([{ from: sequence, to }]);
        for (let removed = sequence; removed <= to; removed++) model.delete(removed);
      }
      expect(ranges.count).toBe(model.size);
      expect(ranges.has(sequence)).toBe(model.has(sequence));
    }
    const listed = ranges
      .toArray()
      .flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
    expect(listed).toEqual([...model].sort((a, b) => a - b));
  });
});

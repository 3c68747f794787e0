import { describe, expect, it } from 'vitest';
import { Renumbering } from './renumbering.js';

describe('sequences in a new epoch', () => {
  it('begin at 1, in the old order, without a hole', () => {
    const numbers = new Renumbering([43, 41, 90], []);
    expect([41, 43, 90].map((sequence) => numbers.of(sequence))).toEqual([1, 2, 3]);
    expect(numbers.newest).toBe(3);
  });

  it('count what was lost and not told, where it was', () => {
    const gaps = [
      { from: 10, to: 12, reason: 'dropped' as const },
      { from: 13, to: 13, reason: 'corrupt' as const },
    ];
    const numbers = new Renumbering([9, 14], gaps);
    expect([numbers.of(9), numbers.of(14), numbers.newest]).toEqual([1, 6, 6]);
    expect(numbers.gapsOf(gaps)).toEqual([
      { from: 2, to: 4, reason: 'dropped' },
      { from: 5, to: 5, reason: 'corrupt' },
    ]);
  });

  it('have no newest where everything is settled', () => {
    expect(new Renumbering([], []).newest).toBe(0);
  });
});

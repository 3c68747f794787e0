import { describe, expect, it } from 'vitest';
import { fullJitterDelay } from './backoff.js';

describe('fullJitterDelay', () => {
  const limits = { baseMs: 250, capMs: 10_000 };

  it('doubles the ceiling with each attempt until the cap', () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 1000].map((attempt) => fullJitterDelay(attempt, limits, () => 1));
    expect(ceilings).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it('spreads over the whole range from nothing to the ceiling', () => {
    expect(fullJitterDelay(3, limits, () => 0)).toBe(0);
    expect(fullJitterDelay(3, limits, () => 0.5)).toBe(1000);
  });
});

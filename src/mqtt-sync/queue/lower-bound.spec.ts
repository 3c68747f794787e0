import { describe, expect, it } from 'vitest';
import { lowerBound } from './lower-bound.js';

const ROW = [1, 3, 5, 7];
const firstFrom = (value: number, start = 0) => lowerBound(start, ROW.length, (index) => ROW[index]! >= value);

describe('lowerBound', () => {
  it('finds the first index that is reached, wherever it lies', () => {
    expect([0, 1, 2, 3, 6, 7].map((value) => firstFrom(value))).toEqual([0, 0, 1, 1, 3, 3]);
  });

  it('gives the end when nothing is reached, and the start when everything is', () => {
    expect(firstFrom(8)).toBe(4);
    expect(firstFrom(1, 2)).toBe(2);
    expect(lowerBound(0, 0, () => true)).toBe(0);
  });

  it('looks at few of many', () => {
    let looks = 0;
    lowerBound(0, 1_000_000, (index) => {
      looks++;
      return index >= 700_001;
    });
    expect(looks).toBeLessThanOrEqual(20);
  });
});

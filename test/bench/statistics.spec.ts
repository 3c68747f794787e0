import { expect, it } from 'vitest';
import { median, percentile, summarise } from './statistics.js';

it('takes the middle one, and the mean of the two middle ones', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 2, 3, 10])).toBe(2.5);
});

it('takes percentiles between the nearest ranks, and leaves the values as they were', () => {
  const values = [50, 10, 40, 20, 30];
  expect(percentile(values, 0)).toBe(10);
  expect(percentile(values, 100)).toBe(50);
  expect(percentile(values, 90)).toBeCloseTo(46);
  expect(values).toEqual([50, 10, 40, 20, 30]);
});

it('has no percentile of nothing', () => {
  expect(() => median([])).toThrow(RangeError);
});

it('tells the spread', () => {
  expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, samples: 3 });
});

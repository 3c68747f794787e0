import { expect, it } from 'vitest';
import { estimate, ratioByRound } from './ratios.js';

it('takes the median of the ratios of each round, and tells their spread', () => {
  // The machine was busy in the second round: both were slow. The ratio of the medians would be 2.
  expect(ratioByRound([40, 12, 50], [20, 10, 40])).toEqual({
    value: 1.25,
    spread: { min: 1.2, max: 2, samples: 3 },
    basis: 'rounds',
  });
});

it('pairs up as many rounds as both took part in', () => {
  expect(ratioByRound([10, 20, 90], [10, 10])).toMatchObject({ value: 1.5, spread: { samples: 2 }, basis: 'rounds' });
});

it('divides the medians where one side was measured only once, and says so', () => {
  expect(ratioByRound([30, 50, 40], [20])).toEqual({ value: 2, basis: 'medians' });
  expect(ratioByRound([40], [10, 20, 30])).toEqual({ value: 2, basis: 'medians' });
});

it('tells no spread of a single round', () => {
  expect(ratioByRound([30], [20])).toEqual({ value: 1.5, basis: 'rounds' });
});

it('has no ratio to what was not measured', () => {
  expect(ratioByRound([1, 2], [])).toBeUndefined();
  expect(ratioByRound([], [1])).toBeUndefined();
});

it('counts in a unit', () => {
  expect(estimate([1200, 1800], 600)).toEqual({
    value: 2.5,
    spread: { min: 2, max: 3, samples: 2 },
    basis: 'samples',
  });
  expect(estimate([])).toBeUndefined();
});

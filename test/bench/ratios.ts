import { median, summarise } from './statistics.js';

/** What a run says about one number. */
export interface Estimate {
  /** The median. */
  readonly value: number;
  /** Smallest and largest of so many; undefined where there is nothing to tell a spread from. */
  readonly spread?: { readonly min: number; readonly max: number; readonly samples: number };
  /**
   * Of what it is the median: of what was measured, of the ratios of each round (both sides under the same load of the
   * machine); or it is a ratio of two medians, since the one side was measured once and the other more often.
   */
  readonly basis: 'samples' | 'rounds' | 'medians';
}

/** @param unit what counts as one. @returns undefined when nothing was measured. */
export function estimate(values: readonly number[], unit = 1): Estimate | undefined {
  return of(
    values.map((value) => value / unit),
    'samples',
  );
}

/**
 * What was measured, divided by what was measured of somebody else in the same round. A side that took part in fewer
 * rounds left out the last ones.
 * @returns undefined when a side was not measured.
 */
export function ratioByRound(values: readonly number[], bases: readonly number[]): Estimate | undefined {
  const rounds = Math.min(values.length, bases.length);
  if (rounds === 1 && values.length !== bases.length) {
    return { value: median(values) / median(bases), basis: 'medians' };
  }
  return of(
    values.slice(0, rounds).map((value, round) => value / bases[round]!),
    'rounds',
  );
}

function of(values: readonly number[], basis: Estimate['basis']): Estimate | undefined {
  if (values.length === 0) return undefined;
  const { median: value, min, max, samples } = summarise(values);
  return { value, ...(samples > 1 && { spread: { min, max, samples } }), basis };
}

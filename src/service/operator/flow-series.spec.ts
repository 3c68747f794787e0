import { describe, expect, it } from 'vitest';
import { FlowSeries } from './flow-series.js';

const sample = (accepted: number, delivered = 0, waiting = 0) => ({ accepted, delivered, waiting });

describe('FlowSeries', () => {
  it('adds up what flowed in a bucket, and keeps the most that waited', () => {
    const series = new FlowSeries(1000, 5, 0);
    series.add(100, sample(2, 1, 7));
    series.add(900, sample(1, 2, 3));
    expect(series.newest).toEqual({ number: 0, accepted: 3, delivered: 3, waiting: 7 });
  });

  it('fills the buckets of a pause with what waited then, and forgets what is older than its length', () => {
    const series = new FlowSeries(1000, 3, 0);
    series.add(500, sample(1, 0, 1));
    series.add(4500, sample(2, 0, 9));
    expect(series.columns(4500, 1_000_000)).toEqual({
      ...{ stepMs: 1000, length: 3, newest: 4, newestFrom: new Date(999_500).toISOString() },
      ...{ accepted: [0, 0, 2], delivered: [0, 0, 0], waiting: [9, 9, 9] },
    });
  });

  it('takes no time for a pause of months', () => {
    const series = new FlowSeries(1000, 3, 0);
    series.add(1e12, sample(5));
    expect(series.columns(1e12, 0)).toMatchObject({ newest: 1e9, accepted: [0, 0, 5] });
  });
});

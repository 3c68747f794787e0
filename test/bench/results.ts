import type { ContenderId } from './contenders.js';
import type { ProfileId } from './profiles.js';
import type { Metric, Sample, ScenarioId } from './run.js';
import { type Summary, summarise } from './statistics.js';

/** All samples of one contender in one scenario on one link. */
export interface Row {
  readonly scenario: ScenarioId;
  readonly profile: ProfileId;
  readonly contender: ContenderId | undefined;
  readonly variant: string | undefined;
  readonly scaledFromMessages: number | undefined;
  readonly metrics: Partial<Readonly<Record<Metric, Summary>>>;
}

/** Which row of the results. */
export type RowKey = Pick<Row, 'scenario' | 'profile'> & Partial<Pick<Row, 'contender' | 'variant'>>;

const keyOf = ({ scenario, profile, contender, variant }: RowKey): string =>
  [scenario, profile, contender, variant].join('|');

/** The samples as rows, in the order in which they first came. */
export function toRows(samples: readonly Sample[]): Row[] {
  const groups = groupBy(samples, keyOf);
  return [...groups.values()].map((group) => {
    const { scenario, profile, contender, variant, scaledFromMessages } = group[0]!;
    return { scenario, profile, contender, variant, scaledFromMessages, metrics: metricsOf(group) };
  });
}

/** Every value of one metric, in the order of the rounds; empty when it was not measured. */
export function valuesOf(samples: readonly Sample[], key: RowKey, metric: Metric): number[] {
  const asked = keyOf(key);
  return samples.filter((sample) => keyOf(sample) === asked).flatMap(({ values }) => values[metric] ?? []);
}

function metricsOf(group: readonly Sample[]): Row['metrics'] {
  const values = new Map<Metric, number[]>();
  for (const sample of group) {
    for (const [metric, value] of Object.entries(sample.values) as [Metric, number][]) {
      values.set(metric, [...(values.get(metric) ?? []), value]);
    }
  }
  return Object.fromEntries([...values].map(([metric, all]) => [metric, summarise(all)]));
}

/** `Map.groupBy()`, which Node 20 does not have. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

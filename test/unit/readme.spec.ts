import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../../src/service/environment/variables.js';
import { DEGRADED_REASONS } from '../../src/mqtt-sync/sync-status.js';
import { exposedMetrics } from '../helpers/observability/exposed-metrics.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The text below a heading, up to the next one. */
const below = (heading: string) => README.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;

/** Metrics in the first column of the tables, without their labels. */
const documented = [...below('Metrics').matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell]) =>
  [...cell!.matchAll(/`(\w+)(?:\{[\w,]+\})?`/g)].map(([, name]) => name!),
);

describe('README.md', () => {
  it('has every metric that the service shows in its tables, once, and no other', async () => {
    const exposed = [...(await exposedMetrics())].filter((name) => name.startsWith('arus_'));
    // A histogram has one name there, and three series here.
    const names = exposed.map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
    expect([...documented].sort()).toEqual([...new Set(names)].sort());
  });

  it('has every variable of the service in its table, and no other', () => {
    const cells = [...below('Options').matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell!);
    const named = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name]) => name!));
    expect(named.sort()).toEqual(VARIABLES.map(({ name }) => name).sort());
  });

  it('names every reason to be degraded', () => {
    const [, listed] = /^Reasons for `degraded`: ([^]*?)\.$/m.exec(README)!;
    expect([...listed!.matchAll(/`(\w+)`/g)].map(([, reason]) => reason!).sort()).toEqual([...DEGRADED_REASONS].sort());
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dashboardExpressions, type Expression, type Panel, readDashboard } from '../helpers/observability/deployed.js';
import { exposedMetrics } from '../helpers/observability/exposed-metrics.js';
import { metricNamesIn } from '../helpers/observability/promql.js';
import { PROMTOOL, promtool } from '../helpers/observability/promtool.js';
import { describeWith } from '../helpers/programs.js';
import { temporaryFolder } from '../helpers/service-process.js';

const dashboard = readDashboard();
const rows = dashboard.panels.filter(({ type }) => type === 'row');
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Ids of Grafana's units that the dashboard uses: another one is perhaps a slip of the pen. */
const UNITS = ['short', 'percent', 'percentunit', 's', 'bytes', 'ops', 'mps'];

/** Of deploy/prometheus/prometheus.yml. */
const SCRAPE_S = 15;

/** Grafana's width of a dashboard. */
const COLUMNS = 24;

/** Plots of how often something happened from one point to the next. */
const counting = panels.filter(({ targets = [] }) => targets.some(({ expr }) => expr.includes('$__interval_ms')));

const variable = (name: string) => dashboard.templating.list.find((candidate) => candidate.name === name);

function overlap({ gridPos: one }: Panel, { gridPos: other }: Panel): boolean {
  const isBeside = one.x + one.w <= other.x || other.x + other.w <= one.x;
  const isAbove = one.y + one.h <= other.y || other.y + other.h <= one.y;
  return !isBeside && !isAbove;
}

describe('the dashboard', () => {
  it('asks first what an engineer asks first', () => {
    expect(rows.map(({ title }) => title)).toEqual([
      'Vessel by vessel',
      'Is the data safe?',
      'Is it moving?',
      'How late is it?',
      'What was lost?',
      'What comes in?',
      'This connection',
      'The store',
      'The process',
    ]);
  });

  it('gives every panel an id and a place of its own, inside the grid', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x < 0 || w < 1 || x + w > COLUMNS)).toEqual([]);
    const overlaps = dashboard.panels.flatMap((one, index) =>
      dashboard.panels
        .slice(index + 1)
        .flatMap((other) => (overlap(one, other) ? [`${one.title} / ${other.title}`] : [])),
    );
    expect(overlaps).toEqual([]);
  });

  it.each(panels)('says of "$title" what it shows, in which unit, and where to read on', (panel) => {
    expect(panel.title).toMatch(/^[A-Z]/);
    expect(panel.description).toMatch(/^[A-Z0-9].{20,}\.$/s);
    expect(UNITS).toContain(panel.fieldConfig?.defaults.unit);
    expect(panel.links?.map(({ url }) => url)).toEqual([expect.stringMatching(/^\$\{runbook\}#[a-z_-]+$/)]);
  });

  it('asks the chosen Prometheus, of the chosen vessels and instances', () => {
    for (const { datasource, targets = [] } of panels) {
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(targets.length).toBeGreaterThan(0);
      for (const target of targets) {
        expect(target.datasource.uid).toBe('${datasource}');
        // Every series of the service is narrowed down by both; an alert need not have an instance.
        const selectors = target.expr.match(/\{[^}]*\}/g) ?? [];
        expect(selectors.length).toBe(target.expr.match(/\b(arus_|process_|nodejs_|up\b|ALERTS)/g)?.length);
        for (const selector of selectors) expect(selector).toMatch(/vessel=~"\$vessel"/);
        if (!target.expr.includes('ALERTS')) expect(selectors.every((text) => text.includes('$instance'))).toBe(true);
      }
    }
    expect(variable('datasource')).toMatchObject({ type: 'datasource', query: 'prometheus' });
    expect(variable('vessel')?.definition).toBe('label_values(up{job="arus-mqtt-sync"}, vessel)');
    expect(variable('instance')?.definition).toContain('vessel=~"$vessel"');
  });

  it('knows no variable that it does not define', () => {
    const defined = new Set([
      '__all',
      '__interval_ms',
      '__range',
      '__rate_interval',
      ...dashboard.templating.list.map(({ name }) => name),
    ]);
    const used = JSON.stringify(dashboard).matchAll(/\$\{?(\w+)\}?/g);
    expect([...used].map(([, name]) => name!).filter((name) => !defined.has(name) && !/^\d/.test(name))).toEqual([]);
  });

  it('looks back as far as the point before in each plot, however long it is until there', () => {
    const plotted = panels.flatMap(({ targets = [] }) => targets).filter(({ instant }) => !instant);
    const ranges = plotted.flatMap(({ expr }) => expr.match(/\[[^\]]+\]/g) ?? []);
    expect(ranges.length).toBeGreaterThan(0);
    expect(ranges.filter((range) => range !== '[$__rate_interval]')).toEqual([]);
  });

  it('counts in steps of a minute at least, which is several scrapes, and says that it counts in steps', () => {
    expect(counting.map(({ title }) => title)).toContain('Lost, in each step');
    for (const { title, interval, description } of counting) {
      expect(title).toMatch(/, in each step$/);
      expect(description).toContain('A step is a minute');
      expect(interval).toBe('1m');
    }
  });

  it('reads only metrics that the service shows, and all of arus_* among them', async () => {
    const exposed = await exposedMetrics();
    const used = dashboardExpressions().flatMap(({ where, expr }) =>
      metricNamesIn(expr).map((name) => ({ where, name })),
    );
    expect(used.filter(({ name }) => !exposed.has(name))).toEqual([]);
    const names = new Set(used.map(({ name }) => name));
    // Of a histogram, its buckets are enough.
    const ours = [...exposed].filter((name) => /^arus_(?!.*_(?:sum|count)$)/.test(name));
    expect(ours.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('metricNamesIn', () => {
  it.each([
    ['sum by (vessel, le) (rate(a_bucket{le="b"}[5m]))', ['a_bucket']],
    ['a == 0 unless on (job) c{x="y",z=~"w"} == 1', ['a', 'c']],
    ['label_replace(a, "vessel", "$1", "id", "(.*)") > 6 * 3600', ['a']],
    ['time() - a:b_c or a offset 5m', ['a:b_c', 'a']],
  ])('finds them in %s', (expr, names) => {
    expect(metricNamesIn(expr)).toEqual(names);
  });
});

describeWith({ promtool: PROMTOOL }, "the dashboard's expressions", () => {
  it('are all read by the parser of Prometheus', () => {
    const rules = dashboardExpressions().map(({ expr }, index) => ({ record: `panel_${index}`, expr }));
    const file = join(temporaryFolder(), 'rules.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, output } = promtool('check', 'rules', file);
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(status).toBe(0);
  });

  it.each([60, 120, 600, 3600])(
    'count in steps of %i s what happened between two scrapes, once, wherever a step begins',
    (stepS) => {
      // As Grafana has it: a scrape more than the step.
      const variables = { __rate_interval: `${stepS + SCRAPE_S}s`, __interval_ms: String(stepS * 1000) };
      const isCounting = ({ where }: Expression) => counting.some(({ title }) => where.includes(`"${title}"`));
      const expressions = dashboardExpressions(variables).filter(isCounting);
      const metrics = expressions.flatMap(({ expr }) => metricNamesIn(expr));
      // A point comes after the last scrape without, and before the first with what has happened.
      const boundaryS = 40 * SCRAPE_S + 7;
      const test = {
        interval: `${SCRAPE_S}s`,
        input_series: metrics.map((name) => ({
          series: `${name}{vessel="mv-aurora",instance="a"}`,
          values: '1000+0x40 1010+0x600',
        })),
        promql_expr_test: expressions.flatMap(({ expr }) =>
          [0, 10, 0].map((value, step) => ({
            expr: `sum(round(${expr}, 0.001))`,
            eval_time: `${boundaryS + step * stepS}s`,
            exp_samples: [{ labels: '{}', value }],
          })),
        ),
      };
      const file = join(temporaryFolder(), 'test.yml');
      writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: `${SCRAPE_S}s`, tests: [test] }));
      const { status, output } = promtool('test', 'rules', file);
      expect(output).toContain('SUCCESS');
      expect(status).toBe(0);
    },
  );
});

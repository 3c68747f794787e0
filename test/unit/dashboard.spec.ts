import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dashboardExpressions, type Panel, readDashboard } from '../helpers/observability/deployed.js';
import { exposedMetrics } from '../helpers/observability/exposed-metrics.js';
import { metricNamesIn } from '../helpers/observability/promql.js';
import { PROMTOOL, promtool } from '../helpers/observability/promtool.js';
import { describeWith } from '../helpers/programs.js';

const dashboard = readDashboard();
const rows = dashboard.panels.filter(({ type }) => type === 'row');
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Ids of Grafana's units that the dashboard uses: another one is perhaps a slip of the pen. */
const UNITS = ['short', 'percent', 'percentunit', 's', 'bytes', 'ops', 'mps'];

/** Grafana's width of a dashboard. */
const COLUMNS = 24;

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
      '__range',
      '__rate_interval',
      ...dashboard.templating.list.map(({ name }) => name),
    ]);
    const used = JSON.stringify(dashboard).matchAll(/\$\{?(\w+)\}?/g);
    expect([...used].map(([, name]) => name!).filter((name) => !defined.has(name) && !/^\d/.test(name))).toEqual([]);
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
    const folder = mkdtempSync(join(tmpdir(), 'arus-dashboard-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'rules.yml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, output } = promtool('check', 'rules', file);
    expect(output).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(status).toBe(0);
  });
});

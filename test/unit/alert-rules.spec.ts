import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PROMETHEUS_FOLDER, readAlertRules, ruleExpressions, RUNBOOK } from '../helpers/observability/deployed.js';
import { exposedMetrics } from '../helpers/observability/exposed-metrics.js';
import { metricNamesIn } from '../helpers/observability/promql.js';
import { PROMTOOL, promtool } from '../helpers/observability/promtool.js';
import { describeWith } from '../helpers/programs.js';
import { temporaryFolder } from '../helpers/service-process.js';

const TESTS = join(PROMETHEUS_FOLDER, 'tests');
const rules = readAlertRules();

interface RuleTest {
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
  readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

/** How many alerts each check of the test files expects, by the alert's name. */
function expectations(): Map<string, number[]> {
  const found = new Map<string, number[]>();
  const add = (alert: string, count: number) => found.set(alert, [...(found.get(alert) ?? []), count]);
  for (const file of readdirSync(TESTS)) {
    const { tests } = parse(readFileSync(join(TESTS, file), 'utf8')) as { tests: RuleTest[] };
    for (const { promql_expr_test: queries = [], alert_rule_test: alerts = [] } of tests) {
      for (const { alertname, exp_alerts } of alerts) add(alertname, exp_alerts.length);
      for (const { expr, exp_samples } of queries) add(/alertname="(\w+)"/.exec(expr)![1]!, exp_samples.length);
    }
  }
  return found;
}

/** What is expected of each alert at each time that a test looks at it: so many times it fires; 0 that it keeps quiet. */
const expected = expectations();

describe('the alert rules', () => {
  it('read only metrics that the service shows', async () => {
    const exposed = await exposedMetrics();
    const unknown = ruleExpressions().flatMap(({ where, expr }) =>
      metricNamesIn(expr).flatMap((name) => (exposed.has(name) ? [] : [`${where}: ${name}`])),
    );
    expect(unknown).toEqual([]);
  });

  it.each(rules)('$alert says how bad it is, what is wrong, what to do, and where that is written', (rule) => {
    expect(rule.alert).toMatch(/^ArusSync[A-Z]\w+$/);
    expect(['critical', 'warning']).toContain(rule.labels['severity']);
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook_url']);
    expect(rule.annotations['description']).toMatch(/\. .*\.$/s);
    expect(rule.annotations['runbook_url']).toBe(`${RUNBOOK}#${rule.alert.toLowerCase()}`);
  });

  it.each(rules)('$alert is shown by tests of promtool to fire, and to keep quiet', ({ alert }) => {
    const counts = expected.get(alert) ?? [];
    expect({ fires: counts.some((count) => count > 0), keepsQuiet: counts.includes(0) }).toEqual({
      fires: true,
      keepsQuiet: true,
    });
  });

  it('have names of their own', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
  });
});

/** Debian's Prometheus has no discovery in clusters: the job with its pods written down. */
function clusterJob(pods: readonly object[]): string {
  const job = readFileSync(join(PROMETHEUS_FOLDER, 'kubernetes.yml'), 'utf8');
  const file = join(temporaryFolder(), 'kubernetes.yml');
  // JSON is YAML.
  const found = `static_configs: ${JSON.stringify(pods)}\n`;
  writeFileSync(file, job.replace(/kubernetes_sd_configs:\n\s+- role: pod\n/, found));
  return file;
}

describeWith({ promtool: PROMTOOL }, 'promtool', () => {
  it('finds nothing wrong with the configuration and the rules', () => {
    const { status, output } = promtool('check', 'config', join(PROMETHEUS_FOLDER, 'prometheus.yml'));
    expect(output).toMatch(new RegExp(`SUCCESS: ${rules.length} rules found`));
    expect(status).toBe(0);
  });

  it('finds nothing wrong with the job for a cluster', () => {
    const { status, output } = promtool('check', 'config', clusterJob([]));
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it.each([
    ['10.1.2.3', '10.1.2.3:5000'],
    ['fd00:10:244::5', '[fd00:10:244::5]:5000'],
  ])('finds the pod of the address %s by the job for a cluster', (ip, address) => {
    const labels = {
      __meta_kubernetes_pod_ip: ip,
      __meta_kubernetes_pod_name: 'mqtt-sync-0',
      __meta_kubernetes_pod_label_app_kubernetes_io_name: 'mqtt-sync',
      __meta_kubernetes_pod_label_vessel: 'mv-aurora',
      __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
      __meta_kubernetes_pod_annotation_prometheus_io_port: '5000',
      __meta_kubernetes_pod_annotation_prometheus_io_path: '/metrics',
    };
    const file = clusterJob([{ targets: ['pod:1'], labels }]);
    // It looks for more until then; what stands in the file it has at once.
    const { output } = promtool('check', 'service-discovery', '--timeout=2s', file, 'arus-mqtt-sync');
    const [found] = JSON.parse(output) as { labels: Record<string, string> }[];
    expect(found?.labels).toMatchObject({ __address__: address, instance: 'mqtt-sync-0', vessel: 'mv-aurora' });
  });

  it('sees every alert fire when it should, and only then', () => {
    const files = readdirSync(TESTS).map((file) => join(TESTS, file));
    const { status, output } = promtool('test', 'rules', ...files);
    expect(output).not.toContain('FAILED');
    expect(status).toBe(0);
  });
});

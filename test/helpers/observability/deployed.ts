import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** A query of a panel. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly instant: boolean;
  readonly datasource: { readonly uid: string };
}

/** A panel of the dashboard; a row has no targets. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  /** The shortest step of its plot. */
  readonly interval?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly Target[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly panels?: readonly Panel[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly query: unknown;
}

/** The dashboard as far as the tests look at it. */
export interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly links: readonly { readonly url: string }[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
}

/** An alert rule. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The files of `deploy/prometheus`. */
export const PROMETHEUS_FOLDER = deployed('prometheus');
export const RULES_FILE = deployed('prometheus/rules/arus-mqtt-sync.yml');

/** Where rules and dashboard say that the runbook is: Prometheus of docker-compose.yml shows it there. */
export const RUNBOOK = 'http://127.0.0.1:9090/user/operations.txt';

/** A file of `deploy/`. */
function deployed(path: string): string {
  return fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url));
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(deployed('grafana/dashboards/arus-mqtt-sync.json'), 'utf8')) as Dashboard;
}

export function readAlertRules(): AlertRule[] {
  const { groups } = parse(readFileSync(RULES_FILE, 'utf8')) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** An expression of dashboard or rules, and where it stands. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
}

/** Every expression of the dashboard, with the values of Grafana's variables put in as Grafana does. */
export function dashboardExpressions(variables: Readonly<Record<string, string>> = {}): Expression[] {
  const { panels, annotations } = readDashboard();
  const own = { vessel: '.*', instance: '.*', __interval_ms: '60000', __rate_interval: '1m', __range: '6h' };
  const values = { ...own, ...variables };
  const interpolate = (expr: string) =>
    expr.replaceAll(/\$(\w+)/g, (text, name: string) => values[name as keyof typeof values] ?? text);
  const queries = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ where: `panel "${title}" ${refId}`, expr: interpolate(expr) })),
  );
  const marks = annotations.list.flatMap(({ name, expr }) =>
    expr === undefined ? [] : [{ where: `annotation "${name}"`, expr: interpolate(expr) }],
  );
  return [...queries, ...marks];
}

/** What the template variables of the dashboard ask for: the values that a label has in some series. */
export function variableLabels(): { readonly label: string; readonly of: string }[] {
  return readDashboard().templating.list.flatMap(({ definition }) => {
    const [, of, label] = /^label_values\((.+), (\w+)\)$/.exec(definition?.replaceAll('$vessel', '.*') ?? '') ?? [];
    return of === undefined || label === undefined ? [] : { label, of };
  });
}

/** The series that an expression speaks of, without ranges. */
export function selectorsOf(expr: string): string[] {
  return expr.match(/\b(up|ALERTS|(arus|process|nodejs)_\w+)(\{[^}]*\})?/g) ?? [];
}

/** Every expression of the alert rules. */
export function ruleExpressions(): Expression[] {
  return readAlertRules().map(({ alert, expr }) => ({ where: `alert ${alert}`, expr }));
}

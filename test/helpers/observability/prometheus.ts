import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { PROJECT } from '../documented-commands.js';
import { freePort } from '../ports.js';
import { findProgram } from '../find-program.js';
import { until, within } from '../wait.js';
import { PROMETHEUS_FOLDER, RULES_FILE } from './deployed.js';

/** Debian's package `prometheus` brings it. */
export const PROMETHEUS = findProgram('prometheus');

/** Scrapes and evaluations, so that a run takes seconds. */
const INTERVAL = '500ms';
/** In place of each `for` of the rules. */
const SHORT_FOR = '1s';

/** One service to scrape: its address and the label that it gets. */
export interface ScrapeTarget {
  readonly address: string;
  readonly vessel: string;
}

/** What else is adapted. */
export interface PrometheusOptions {
  /** Address of an Alertmanager. @default the one of docker-compose.yml, which is not there */
  readonly alertmanager?: string;
}

/** One series of an answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** In order of time; Prometheus's NaN is a NaN. */
  readonly values: readonly number[];
}

/** Of a range of time, in Unix seconds. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

type Sample = [time: number, value: string];
type Answer =
  | { readonly status: 'error'; readonly error: string }
  | { readonly status: 'success'; readonly data: { readonly result: readonly RawSeries[] } };
interface RawSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
}

/**
 * A real Prometheus with the project's own configuration and rules, adapted in targets, intervals, the `for` of the
 * rules, and where Alertmanager is, only. It listens on 127.0.0.1, keeps its data in a temporary folder, and ends with the test.
 */
export class Prometheus {
  private output = '';

  private constructor(
    private readonly port: number,
    private readonly process: ChildProcess,
  ) {}

  static async start(targets: readonly ScrapeTarget[], options: PrometheusOptions = {}): Promise<Prometheus> {
    if (PROMETHEUS === undefined) throw new Error('prometheus is not installed; it is a Debian package');
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
    writeConfiguration(folder, targets, options);
    const port = await freePort();
    const process = spawn(
      PROMETHEUS,
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        `--web.user-assets=${join(folder, 'runbook')}`,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder },
    );
    const prometheus = new Prometheus(port, process);
    for (const stream of [process.stdout, process.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (prometheus.output += text));
    }
    onTestFinished(async () => {
      await prometheus.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    await until(async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok, {
      deadlineMs: 20_000,
      what: () => `Prometheus to be ready; it said:\n${prometheus.output}`,
    });
    return prometheus;
  }

  /** Asks for a page that docker-compose.yml has on port 9090. */
  page(url: string): Promise<Response> {
    return fetch(url.replace('http://127.0.0.1:9090/', `http://127.0.0.1:${this.port}/`));
  }

  /** Evaluates an expression now. @throws {Error} what Prometheus says is wrong with it. */
  query(query: string): Promise<Series[]> {
    return this.ask('query', { query });
  }

  /** Evaluates an expression over a time, in steps as long as an interval of the scrapes. */
  queryRange(query: string, { start, end }: TimeRange): Promise<Series[]> {
    return this.ask('query_range', { query, start: String(start), end: String(end), step: '0.5' });
  }

  /** Waits until an expression has a result, which one with a comparison has when it holds. */
  async untilTrue(query: string, deadlineMs = 20_000): Promise<void> {
    await until(async () => (await this.query(query)).length > 0, { deadlineMs, what: query });
  }

  /** The values that a label has in some series, in the alphabet's order. */
  async labelValues(label: string, of: string): Promise<string[]> {
    const query = new URLSearchParams({ 'match[]': of }).toString();
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/label/${label}/values?${query}`);
    const { data } = (await response.json()) as { data: string[] };
    return data.sort();
  }

  private async ask(endpoint: string, parameters: Readonly<Record<string, string>>): Promise<Series[]> {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/${endpoint}`, { method: 'POST', body });
    const answer = (await response.json()) as Answer;
    if (answer.status === 'error') throw new Error(`${answer.error}, of: ${parameters['query']}`);
    return answer.data.result.map(({ metric, value, values = value ? [value] : [] }) => ({
      metric,
      values: values.map(([, text]) => Number(text)),
    }));
  }

  private async kill(): Promise<void> {
    const { process } = this;
    if (process.exitCode !== null || process.signalCode !== null) return;
    const exit = once(process, 'exit');
    process.kill('SIGKILL');
    await within(exit, { what: 'Prometheus to end' });
  }
}

function writeConfiguration(
  folder: string,
  targets: readonly ScrapeTarget[],
  { alertmanager = 'alertmanager:9093' }: PrometheusOptions,
): void {
  const write = (path: string, content: unknown) => writeFileSync(join(folder, path), JSON.stringify(content));
  const read = (path: string): unknown =>
    parse(readFileSync(path, 'utf8').replaceAll('alertmanager:9093', alertmanager));
  for (const name of ['rules', 'targets', 'runbook']) mkdirSync(join(folder, name));
  cpSync(join(PROJECT, 'docs/operations.md'), join(folder, 'runbook/operations.txt'));
  // JSON is YAML.
  const config = read(join(PROMETHEUS_FOLDER, 'prometheus.yml')) as object;
  write('prometheus.yml', { ...config, global: { scrape_interval: INTERVAL, evaluation_interval: INTERVAL } });
  const { groups } = read(RULES_FILE) as { groups: { rules: { for?: string }[] }[] };
  for (const rule of groups.flatMap(({ rules }) => rules)) if (rule.for !== undefined) rule.for = SHORT_FOR;
  write('rules/arus-mqtt-sync.yml', { groups });
  write(
    'targets/vessels.yml',
    targets.map(({ address, vessel }) => ({ targets: [address], labels: { vessel } })),
  );
}

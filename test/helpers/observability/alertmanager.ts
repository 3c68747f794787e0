import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { findProgram } from '../find-program.js';
import { freePort, listen } from '../ports.js';
import { projectText } from '../project-files.js';
import { until, within } from '../wait.js';

/** Debian's package `prometheus-alertmanager` brings both; elsewhere the server has its short name. */
export const ALERTMANAGER = findProgram('prometheus-alertmanager') ?? findProgram('alertmanager');
export const AMTOOL = findProgram('amtool');

/** Labels of an alert. */
export type Labels = Readonly<Record<string, string>>;

/** An alert as a receiver was told of it. */
export interface Told {
  readonly receiver: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** The project's own configuration. */
export const alertmanagerConfiguration = (): string => projectText('deploy/alertmanager/alertmanager.yml');

/** Runs amtool on a configuration. */
export function amtool(configuration: string, ...args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'amtool-'));
  try {
    const file = join(folder, 'alertmanager.yml');
    writeFileSync(file, configuration);
    const all = args.map((arg) => arg.replace('FILE', file));
    const { status, stdout, stderr } = spawnSync(AMTOOL!, all, { encoding: 'utf8' });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A real Alertmanager with the project's configuration; only its waits are short, and its receivers are this test. */
export class Alertmanager {
  readonly told: Told[] = [];
  private output = '';

  private constructor(readonly address: string) {}

  static async start(): Promise<Alertmanager> {
    const folder = mkdtempSync(join(tmpdir(), 'alertmanager-'));
    const port = await freePort();
    const alertmanager = new Alertmanager(`127.0.0.1:${port}`);
    const configuration = alertmanagerConfiguration()
      .replaceAll('http://put-your-receiver-here.invalid', `http://127.0.0.1:${await alertmanager.receive()}`)
      .replaceAll(/group_wait: \w+/g, 'group_wait: 1s')
      .replaceAll(/group_interval: \w+/g, 'group_interval: 1s');
    writeFileSync(join(folder, 'alertmanager.yml'), configuration);
    const args = ['--config.file=alertmanager.yml', '--storage.path=data', '--cluster.listen-address='];
    const child = spawn(ALERTMANAGER!, [...args, `--web.listen-address=${alertmanager.address}`], {
      ...{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (said: string) => (alertmanager.output += said));
    }
    onTestFinished(async () => {
      await kill(child);
      rmSync(folder, { recursive: true, force: true });
    });
    await until(async () => (await fetch(`http://${alertmanager.address}/-/ready`)).ok, {
      deadlineMs: 20_000,
      what: () => `Alertmanager to be ready; it said:\n${alertmanager.output}`,
    });
    return alertmanager;
  }

  /** Says that alerts fire, as Prometheus does. */
  async fire(...alerts: readonly Labels[]): Promise<void> {
    const body = JSON.stringify(alerts.map((labels) => ({ labels, annotations: {} })));
    const headers = { 'Content-Type': 'application/json' };
    const { ok, status } = await fetch(`http://${this.address}/api/v2/alerts`, { method: 'POST', headers, body });
    if (!ok) throw new Error(`Alertmanager answered ${status}`);
  }

  /** Names of the alerts that a receiver was told of, each once. */
  namesFor(receiver: string, vessel: string): string[] {
    const ofVessel = this.told.filter((each) => each.receiver === receiver && each.labels['vessel'] === vessel);
    return [...new Set(ofVessel.map(({ labels }) => labels['alertname']!))].sort();
  }

  private async receive(): Promise<number> {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const { receiver, alerts } = JSON.parse(body) as { receiver: string; alerts: Omit<Told, 'receiver'>[] };
        // The path is where the configuration sends it, the receiver who it says it is.
        if (request.url === `/${receiver}`) this.told.push(...alerts.map((alert) => ({ ...alert, receiver })));
        response.end();
      });
    });
    onTestFinished(() => void server.close());
    return listen(server);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await within(exit, { what: 'Alertmanager to end' });
}

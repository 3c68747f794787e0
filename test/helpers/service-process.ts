import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { HealthDocument } from '../../src/health/health-document.js';
import { until, within } from './wait.js';

const ENTRY = fileURLToPath(new URL('../../dist/service/main.js', import.meta.url));
const SYNC = '/api/mqtt/reliable-sync';
/** What a test that says nothing else runs with. It waits by asking for the health document: the limit would end that, and a slow machine would look like a fault. */
const DEFAULTS = { PORT: '0', HOST: '127.0.0.1', VESSEL_ID: 'mv-test', HEALTH_RATE_LIMIT: '1000000' };

export type Environment = Readonly<Record<string, string>>;

/** An answer over HTTP, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

/** A folder that is removed with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'arus-sync-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The stand-alone service as it is run: `node dist/service/main.js`. It ends with the test. */
export class ServiceProcess {
  private text = '';
  private address: string | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown[]>,
  ) {}

  /** Spawns the service and does not wait for anything. Nothing of this process's environment but the PATH is passed on. */
  static spawn(env: Environment, args: readonly string[] = []): ServiceProcess {
    if (!existsSync(ENTRY)) throw new Error(`${ENTRY} is missing: run "npm run build" first`);
    const child = spawn(process.execPath, [ENTRY, ...args], {
      env: { PATH: process.env['PATH'], ...DEFAULTS, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: tmpdir(),
    });
    // Not 'exit', which comes before the last of its output.
    const service = new ServiceProcess(child, once(child, 'close'));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (service.text += text));
    }
    onTestFinished(() => service.kill());
    return service;
  }

  /** Starts the service and waits until it listens. */
  static async start(env: Environment): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn(env);
    await until(() => service.hasExited || service.url, {
      // A machine that is busy with other tests takes long to load everything.
      deadlineMs: 40_000,
      what: () => `the service to listen; it said:\n${service.output}`,
    });
    return service.hasExited ? service.failed() : service;
  }

  /** Everything it has printed so far. */
  get output(): string {
    return this.text;
  }

  /** Where its HTTP is, once it listens. */
  get url(): string | undefined {
    return (this.address ??= /POST (http:\/\/\S+?)\/api\//.exec(this.text)?.[1]);
  }

  private get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** @throws {Error} with everything it said before it ended. */
  private async failed(): Promise<never> {
    const code = await this.exit();
    throw new Error(`The service exited with ${code ?? this.child.signalCode}:\n${this.text}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for its end; resolves with the exit code. */
  async exit(deadlineMs = 20_000): Promise<number | null> {
    await within(this.exited, { deadlineMs, what: () => `the service to exit; it said:\n${this.text}` });
    return this.child.exitCode;
  }

  async kill(): Promise<void> {
    if (!this.hasExited) this.child.kill('SIGKILL');
    await this.exit();
  }

  async request(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body };
  }

  /** Posts changes: an object, an array, or a body as it is. */
  post(changes: unknown, headers: Environment = {}): Promise<Answer> {
    return this.request(`${SYNC}/changes`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof changes === 'string' ? changes : JSON.stringify(changes),
    });
  }

  async health(): Promise<HealthDocument> {
    return (await this.request(`${SYNC}/health`)).body as HealthDocument;
  }

  async metrics(): Promise<string> {
    return (await this.request('/metrics')).text;
  }

  /** Waits until the health document says what is expected of it. */
  async untilHealth(what: string, condition: (document: HealthDocument) => boolean): Promise<HealthDocument> {
    let last: HealthDocument | undefined;
    const reached = await until(
      async () => {
        if (this.hasExited) return 'exited';
        last = await this.health();
        return condition(last) ? last : undefined;
      },
      { what: () => `${what}; health was ${JSON.stringify(last)}`, deadlineMs: 20_000 },
    );
    return reached === 'exited' ? this.failed() : reached;
  }
}

/** A sample of the Prometheus text; the sum where the series has labels. */
export function metricOf(text: string, name: string): number | undefined {
  const samples = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (samples.length === 0) return undefined;
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

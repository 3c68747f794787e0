import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until, within } from '../../helpers/wait.js';
import { BUILD_FOLDER } from './build-folder.js';

const PROGRAM = join(BUILD_FOLDER, 'src/service/main.js');

/** How to run the service other than usual. */
export interface ServiceLaunch {
  /** A program that runs it, with its arguments. */
  readonly wrapper?: readonly string[];
  /** Options of Node. */
  readonly nodeOptions?: readonly string[];
  /** Whom it runs as; only root may choose. */
  readonly uid?: number;
}

/** The stand-alone service in a process of its own, to be killed; without the helper's dependence on `dist`. */
export class ServiceShip {
  private text = '';
  private readonly closed: Promise<void>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (this.text += text));
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Starts the service on a port of 127.0.0.1 and waits for nothing; it ends with the test. */
  static launch(port: number, env: Readonly<Record<string, string>>, launch: ServiceLaunch = {}): ServiceShip {
    const { wrapper = [], nodeOptions = [], uid } = launch;
    const [program = '', ...args] = [...wrapper, process.execPath, ...nodeOptions, PROGRAM];
    const child = spawn(program, args, {
      ...(uid !== undefined && { uid, gid: uid }),
      env: { PATH: process.env['PATH'], PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: tmpdir(),
    });
    const service = new ServiceShip(child);
    onTestFinished(() => service.kill());
    return service;
  }

  /** Everything it has printed. */
  get output(): string {
    return this.text;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.child.kill('SIGKILL');
    await within(this.closed, { what: 'the service to die' });
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    if (!this.hasEnded) this.child.kill('SIGTERM');
    return this.exit();
  }

  /** Waits until it has ended; resolves with the exit code. */
  async exit(): Promise<number | null> {
    await within(this.closed, { deadlineMs: 60_000, what: `the service to end; it said: ${this.text}` });
    return this.child.exitCode;
  }

  /** Waits until it answers that it accepts changes. */
  async ready(baseUrl: string): Promise<void> {
    const isReady = async () => {
      if (this.hasEnded) throw new Error(`The service ended with ${this.child.exitCode}:\n${this.text}`);
      return (await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(5000) })).ok;
    };
    await until(isReady, { deadlineMs: 60_000, what: () => `the service to be ready; it said: ${this.text}` });
  }
}

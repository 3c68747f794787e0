import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './find-program.js';
import { freePort } from './ports.js';
import { until, within } from './wait.js';

/** The broker's program, or undefined where it is not installed. `MOSQUITTO_BIN` overrides the search. */
export function findMosquitto(): string | undefined {
  return findProgram('mosquitto', 'MOSQUITTO_BIN');
}

/** How to run the broker. */
export interface MosquittoOptions {
  /** Lines of the configuration after the listener's own, e.g. `allow_anonymous false`. @default anonymous access */
  readonly config?: string | ((folder: string) => string);
  /** The whole configuration in place of `config`, listeners included: one that is to be run as it is. */
  readonly whole?: (folder: string, port: number) => string;
  /** Password file entries, user name to password; written with `mosquitto_passwd`. */
  readonly users?: Readonly<Record<string, string>>;
  /** @default a free port */
  readonly port?: number;
  /** What it logs, see mosquitto.conf(5); `information` is where it says that it runs. @default all */
  readonly logTypes?: readonly string[];
}

const PLAIN_CONFIG = 'allow_anonymous true';

/** A real Mosquitto on 127.0.0.1 with a folder of its own. */
export class MosquittoProcess {
  /** For files that the configuration names; removed at the end. */
  readonly folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  private process: ChildProcess | undefined;
  private output = '';

  protected constructor(
    private readonly program: string,
    readonly port: number,
    private readonly options: MosquittoOptions,
  ) {}

  /** Starts a broker and waits until it accepts connections; `dispose()` ends it. */
  static async open(options: MosquittoOptions = {}): Promise<MosquittoProcess> {
    return new MosquittoProcess(...(await MosquittoProcess.placeOf(options))).begin();
  }

  protected static async placeOf(options: MosquittoOptions): Promise<[string, number, MosquittoOptions]> {
    const program = findMosquitto();
    if (program === undefined) throw new Error('mosquitto is not installed; install it or set MOSQUITTO_BIN');
    return [program, options.port ?? (await freePort()), options];
  }

  protected async begin(): Promise<this> {
    const { config = PLAIN_CONFIG, whole, users } = this.options;
    if (users) this.setUsers(users);
    if (whole) this.write(whole(this.folder, this.port));
    else this.configure(typeof config === 'string' ? config : config(this.folder));
    await this.restart();
    return this;
  }

  /** Ends the broker and removes its folder. */
  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  get passwordFile(): string {
    return join(this.folder, 'passwords');
  }

  /** What the broker has printed since it was started last. */
  get log(): string {
    return this.output;
  }

  /** Writes the configuration; it counts from the next start on. */
  configure(config: string): void {
    // Started by root, it would change to a user who may not read the certificates of a test.
    const user = process.getuid?.() === 0 ? ['user root'] : [];
    const logTypes = (this.options.logTypes ?? ['all']).map((type) => `log_type ${type}`);
    const lines = [...user, `listener ${this.port} 127.0.0.1`, config, 'log_dest stderr', ...logTypes, ''];
    this.write(lines.join('\n'));
  }

  private write(configuration: string): void {
    writeFileSync(join(this.folder, 'mosquitto.conf'), configuration);
  }

  /** Replaces the users of `passwordFile`; a running broker reads them on `reload()`. */
  setUsers(users: Readonly<Record<string, string>>): void {
    writeFileSync(this.passwordFile, '', { mode: 0o600 });
    for (const [name, password] of Object.entries(users)) {
      const made = spawnSync('mosquitto_passwd', ['-b', this.passwordFile, name, password]);
      if (made.status !== 0) throw new Error(`mosquitto_passwd failed: ${String(made.stderr)}`, { cause: made.error });
    }
  }

  /** Makes a running broker read its password and ACL files again. */
  reload(): void {
    this.process?.kill('SIGHUP');
  }

  /** Starts the broker, killing one that still runs, on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    this.output = '';
    const child = spawn(this.program, ['-c', join(this.folder, 'mosquitto.conf')], { stdio: 'pipe' });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.said(text));
    }
    await until(() => this.isRunning(), {
      what: () => `mosquitto to run on port ${this.port}; it said: ${this.output}`,
    });
  }

  /** Ends the broker as a crash would: `kill -9`. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  /** Ends the broker in order. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  protected said(text: string): void {
    this.output += text;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await within(exit, { what: `mosquitto to end after ${signal}` });
  }

  /** It listens before it has read its certificates, and says that it runs when it has. */
  private isRunning(): boolean {
    const exited = this.process?.exitCode;
    if (exited !== null && exited !== undefined) throw new Error(`mosquitto exited with ${exited}`);
    return / running\n/.test(this.output);
  }
}

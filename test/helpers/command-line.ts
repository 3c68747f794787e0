import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Environment } from './service-process.js';
import { until } from './wait.js';

const ENTRY = fileURLToPath(new URL('../../dist/service/cli/main.js', import.meta.url));

/** What a command has done. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as it is run: `node dist/service/cli/main.js`, which ends with the test. */
export class CommandLine {
  stdout = '';
  stderr = '';
  private readonly closed: Promise<unknown[]>;

  private constructor(private readonly child: ChildProcess) {
    this.closed = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // A command that reads no input ends before it is written.
    child.stdin!.on('error', () => {});
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await this.closed;
    });
  }

  /** Starts it and does not wait. Nothing of this process's environment but the PATH is passed on. */
  static spawn(args: readonly string[], env: Environment = {}, stdout: 'pipe' | number = 'pipe'): CommandLine {
    if (!existsSync(ENTRY)) throw new Error(`${ENTRY} is missing: run "npm run build" first`);
    return new CommandLine(
      spawn(process.execPath, [ENTRY, ...args], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['pipe', stdout, 'pipe'],
        cwd: tmpdir(),
      }),
    );
  }

  /** Runs it to its end. */
  static run(args: readonly string[], env: Environment = {}, input = ''): Promise<CommandResult> {
    const command = CommandLine.spawn(args, env);
    command.write(input).endInput();
    return command.end();
  }

  /** Runs it with a file in place of the pipe of its result. */
  static async runInto(file: string, args: readonly string[], env: Environment = {}): Promise<CommandResult> {
    const fd = openSync(file, 'w');
    try {
      return await CommandLine.spawn(args, env, fd).endInput().end();
    } finally {
      closeSync(fd);
    }
  }

  write(text: string): this {
    this.child.stdin!.write(text);
    return this;
  }

  endInput(): this {
    this.child.stdin!.end();
    return this;
  }

  /** Reads the beginning of its result and then no more, as `head` does. */
  readBeginning(): this {
    const stdout = this.child.stdout!;
    stdout.once('data', () => stdout.destroy());
    return this;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async untilSaid(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.stdout + this.stderr), {
      what: () => `${pattern} in ${JSON.stringify(this.stdout + this.stderr)}`,
      deadlineMs: 20_000,
    });
  }

  async end(): Promise<CommandResult> {
    await this.closed;
    return { exitCode: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}

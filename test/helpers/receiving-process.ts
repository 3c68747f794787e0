import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { until } from './wait.js';

const SCRIPT = fileURLToPath(new URL('receiving-child.mjs', import.meta.url));

/** A receiving application in a process of its own. It ends with the test. */
export class ReceivingProcess {
  /** What it said, line by line. */
  readonly lines: string[] = [];
  private errors = '';

  private constructor(private readonly child: ChildProcess) {}

  /** Starts it. @param hangs its handler says that it did its work, and then never comes back. */
  static start(options: MqttSyncOptions, { hangs = false } = {}): ReceivingProcess {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify({ ...options, hangs })], { stdio: 'pipe' });
    const receiving = new ReceivingProcess(child);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      receiving.lines.push(...lines);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (receiving.errors += text));
    onTestFinished(() => receiving.kill());
    return receiving;
  }

  /** What it said of one kind, without the name of the kind. */
  said(kind: 'effect' | 'recorded' | 'repeated'): string[] {
    return this.lines.flatMap((line) => (line.startsWith(`${kind} `) ? line.slice(kind.length + 1) : []));
  }

  async has(condition: () => boolean, what: string): Promise<void> {
    await until(condition, {
      deadlineMs: 40_000,
      what: () => `${what}; it said ${this.lines.slice(-5).join(' | ')}; ${this.errors.slice(-500)}`,
    });
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { until, within } from '../../helpers/wait.js';
import type { Oracle } from '../oracle/oracle.js';
import { BUILD_FOLDER } from './build-folder.js';
import { type Orders, REPORT_FD } from './orders.js';

const PROGRAM = join(BUILD_FOLDER, 'test/faults/ship/ship-process.js');

/** Calls of one life of a ship stay below this, so that lives can be numbered. */
export const CALLS_PER_LIFE = 10_000_000;

/** A ship at full speed over several entity types, keys and QoS. */
const FULL_SPEED = { callers: 8, keys: 48, burst: 32, group: 1, size: 80, messages: 3000, firstCall: 0, ship: 'ship' };

/** What is said of a launch; everything else is at full speed. */
export type Launch = Partial<Orders> & Pick<Orders, 'options'>;

/** A ship in a process of its own. Every line that it wrote before it was killed counts, and none that it did not. */
export class Ship {
  /** Every line but those of accepted messages. */
  readonly lines: string[] = [];
  readonly launchedMs = performance.now();
  openedMs: number | undefined;
  private acceptedCount = 0;
  private errors = '';
  private readonly closed: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly oracle: Oracle,
  ) {
    let rest = '';
    const reports = child.stdio[REPORT_FD] as Readable;
    reports.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      // What has no end of line was not written to its end.
      rest = lines.pop()!;
      for (const line of lines) this.read(line);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // `close` comes when the process is gone and all it wrote has been read.
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Starts a process and waits for nothing; it ends with the test. `wrapper` is a program that runs it, e.g. strace. */
  static launch(launch: Launch, oracle: Oracle, wrapper: readonly string[] = []): Ship {
    const orders: Orders = { ...FULL_SPEED, ...launch };
    const [program = '', ...args] = [...wrapper, process.execPath, PROGRAM, JSON.stringify(orders)];
    const child = spawn(program, args, {
      // It ends when its stdin does: no ship outlives the tests.
      stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    const ship = new Ship(child, oracle);
    onTestFinished(() => ship.kill());
    return ship;
  }

  /** Messages that it said were accepted. */
  get accepted(): number {
    return this.acceptedCount;
  }

  /** Waits for a line that begins like this. */
  async says(begin: string, deadlineMs = 60_000): Promise<string> {
    return until(() => this.line(begin) ?? this.failure(), {
      deadlineMs,
      what: () => `the ship to say "${begin}"; it said: ${this.lines.slice(-5).join(', ')} ${this.errors}`,
    });
  }

  /** The newest line that begins like this. */
  line(begin: string): string | undefined {
    return this.lines.findLast((line) => line.startsWith(begin));
  }

  /** SIGKILL; resolves when all that it wrote has been read. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await within(this.closed, { what: 'the ship to die' });
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    await within(this.closed, { what: 'the ship to stop' });
    return this.child.exitCode;
  }

  /** Waits until it has ended by itself; resolves with the exit code. */
  async exit(): Promise<number | null> {
    await within(this.closed, { deadlineMs: 60_000, what: 'the ship to end' });
    return this.child.exitCode;
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
  }

  private failure(): undefined {
    if (this.child.exitCode === null) return undefined;
    throw new Error(`The ship ended with ${this.child.exitCode}: ${this.lines.at(-1)} ${this.errors}`);
  }

  private read(line: string): void {
    if (!line.startsWith('accepted ')) {
      this.lines.push(line);
      if (line === 'open') this.openedMs = performance.now();
      return;
    }
    const [, messageId, sequence, entity, hash] = line.split(' ');
    this.acceptedCount++;
    this.oracle.oblige({
      messageId: messageId!,
      entity: entity!,
      sequence: Number(sequence),
      fingerprint: Number(hash),
    });
  }
}

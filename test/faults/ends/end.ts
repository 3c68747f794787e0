import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MqttSyncOptions } from '../../../src/mqtt-sync/mqtt-sync.options.js';
import { queueFolder } from '../../helpers/sync-application.js';
import { until, within } from '../../helpers/wait.js';
import type { Arrival, Oracle } from '../oracle/oracle.js';
import { BUILD_FOLDER } from '../ship/build-folder.js';
import { EffectLedger } from './effect-ledger.js';
import type { EndOrders } from './end-orders.js';

const PROGRAM = join(BUILD_FOLDER, 'test/faults/ends/end-process.js');
const READ_AT_ONCE = 1024 * 1024;
const buffer = Buffer.alloc(READ_AT_ONCE);

/** Keys over all entity types, and calls at a time, of each end. */
const LOAD = { keys: 24, burst: 16 };

/** How an end says that it stands. */
export interface Standing {
  /** In its queue. */
  readonly messages: number;
  readonly missingCount: number;
  readonly changesParked: number;
  readonly orderBreaks: number;
  readonly messagesDropped: number;
}

/** One end over all its lives: a process that publishes and receives, is killed, and starts again on the same folders. */
export class End {
  /** Of what its handlers did. */
  readonly ledger = new EffectLedger();
  kills = 0;
  private readonly folder = queueFolder();
  private readonly log = join(this.folder, 'log');
  private readonly file = openSync(this.log, 'a+');
  private readBytes = 0;
  private lives = 0;
  private acceptedCount = 0;
  private effects = 0;
  /** Lines of the life at hand that are about itself. */
  private lines: string[] = [];
  private child: ChildProcess | undefined;
  private errors = '';

  constructor(
    private readonly options: MqttSyncOptions,
    /** Of what it promises. */
    private readonly sent: Oracle,
    /** Of what it is promised. */
    private readonly received: Oracle,
  ) {
    onTestFinished(async () => {
      await this.kill();
      closeSync(this.file);
    });
  }

  /** Changes that were accepted, over all lives. */
  get accepted(): number {
    return this.acceptedCount;
  }

  /** Effects of its handlers, over all lives. */
  get handled(): number {
    return this.effects;
  }

  /** The next life; waits for nothing. */
  launch(messages: number): void {
    this.lines = [];
    const options = { ...this.options, queue: { ...this.options.queue, dir: join(this.folder, 'queue') } };
    const orders: EndOrders = { options, log: this.log, life: ++this.lives, messages, ...LOAD };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(orders)], {
      // It ends when its stdin does: none outlives the tests.
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.child = child;
  }

  /** It publishes from now on. */
  go(): void {
    this.child!.stdin!.write('go\n');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await within(closed, { what: 'the end to die' });
    this.kills++;
    this.read();
  }

  /** Waits until this life has said something that begins like this; the newest such line. */
  async says(begin: string, deadlineMs = 60_000): Promise<string> {
    const said = () => {
      this.read();
      if (this.child?.exitCode != null) throw new Error(`It ended with ${this.child.exitCode}`);
      return this.lines.findLast((line) => line.startsWith(begin));
    };
    return until(said, { deadlineMs, what: () => `"${begin}"; it said: ${this.lines.join(', ')} ${this.errors}` });
  }

  /** How it stands now. */
  async stands(): Promise<Standing> {
    this.lines = [];
    this.child!.stdin!.write('report\n');
    return JSON.parse((await this.says('stands')).slice('stands '.length)) as Standing;
  }

  /** Takes in what was written to the log since the last look. */
  read(): void {
    for (let bytes = -1; bytes !== 0;) {
      bytes = readSync(this.file, buffer, 0, READ_AT_ONCE, this.readBytes);
      // A character may lie across two reads, a line feed cannot.
      const end = buffer.subarray(0, bytes).lastIndexOf('\n') + 1;
      if (end === 0) return;
      this.readBytes += end;
      for (const line of buffer.toString('utf8', 0, end).split('\n')) if (line !== '') this.take(line);
    }
  }

  private take(line: string): void {
    const [kind, first, ...more] = line.split(' ');
    if (kind === 'effect') this.takeEffect(JSON.parse(line.slice('effect '.length)) as Arrival);
    else if (kind === 'recorded') this.ledger.record(first!);
    else if (kind === 'accepted') this.takeAccepted(first!, more);
    else this.lines.push(line);
    if (kind === 'life') this.ledger.born(Number(first));
  }

  private takeEffect(arrival: Arrival): void {
    this.effects++;
    if (this.ledger.effect(arrival.messageId)) this.received.arrived(arrival);
  }

  private takeAccepted(messageId: string, [sequence, entity, hash]: string[]): void {
    this.acceptedCount++;
    this.sent.oblige({ messageId, entity: entity!, sequence: Number(sequence), fingerprint: Number(hash) });
  }
}

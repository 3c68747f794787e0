import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import type { Ending } from './endings.js';
import { describeFileSystem, fileSystemOf } from './file-system.js';
import { LOAD, plainEnvelope } from './payload.js';

/** Under what conditions a run was made. */
export interface Conditions {
  readonly began: string;
  /** What was measured; `-dirty`: and what nobody has committed. */
  readonly commit: string;
  readonly node: string;
  readonly mosquitto: string;
  readonly mqttjs: string;
  readonly lmdb: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly memoryGiB: number;
  /** Where the queues are, and on what file system. */
  readonly disk: string;
  readonly payloadBytes: number;
  /** Load of the last minute: what else ran. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly ended: Ending;
}

/** What is known only in the end. */
type After = 'loadAfter' | 'ended';

export function conditionsBefore(): Omit<Conditions, After> {
  const [first] = cpus();
  return {
    began: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    mosquitto: mosquittoVersion(),
    mqttjs: versionOf('mqtt'),
    lmdb: versionOf('lmdb'),
    kernel: release(),
    cpu: `${cpus().length} x ${first?.model ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    disk: disk(),
    payloadBytes: Buffer.byteLength(plainEnvelope(LOAD, 0)),
    loadBefore: loadavg()[0]!,
  };
}

export function conditionsAfter(before: Omit<Conditions, After>, ended: Ending): Conditions {
  return { ...before, loadAfter: loadavg()[0]!, ended };
}

function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changes = git('status', '--porcelain').stdout;
  return head.stdout.trim() + (changes === '' ? '' : '-dirty');
}

function disk(): string {
  const folder = realpathSync(tmpdir());
  return `queues in ${folder}, ${describeFileSystem(fileSystemOf(folder, readFileSync('/proc/mounts', 'utf8')))}`;
}

function mosquittoVersion(): string {
  const program = findMosquitto();
  if (program === undefined) return 'not installed';
  // It has no option for its version alone; the help begins with it.
  return /version (\S+)/.exec(spawnSync(program, ['-h'], { encoding: 'utf8' }).stdout)?.[1] ?? 'unknown';
}

function versionOf(name: string): string {
  // Not resolved: a package may keep its package.json from being imported. npm runs scripts in the project's folder.
  return (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
}

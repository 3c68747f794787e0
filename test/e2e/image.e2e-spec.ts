import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  environmentOf,
  execForm,
  type Instruction,
  parseCopy,
  parseDockerfile,
  stagesOf,
} from '../helpers/dockerfile.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { freePort } from '../helpers/ports.js';
import { projectText } from '../helpers/project-files.js';
import { until } from '../helpers/wait.js';

/** Installing and building take about 40 s on an idle machine; a slow registry must not hang the run. */
const BUILD_DEADLINE_MS = 480_000;

/** Program and packages on top of the base image: 79 MB when this was written. */
const MOST_KILOBYTES = 100_000;

/** The user nobody of Debian: somebody who owns nothing of the image, as the user node owns nothing of it. */
const NOBODY = 65_534;

const stages = stagesOf(parseDockerfile(projectText('Dockerfile')));
const last = stages.at(-1)!.steps;
const rest = (keyword: string) => last.find((step) => step.keyword === keyword)!.rest;

/**
 * Carries out the steps of the Dockerfile on this machine, each stage in a folder of its own that plays its root. What is
 * a matter of the engine (the base image, users, volumes) is left out.
 */
class PlayedImage {
  readonly folder = mkdtempSync(join(tmpdir(), 'arus-image-'));
  private readonly context = join(this.folder, 'context');

  build(): void {
    chmodSync(this.folder, 0o755);
    this.fillContext();
    for (const { name, steps } of stages) this.buildStage(name, steps);
  }

  /** A path of the image, on this machine. */
  path(stage: string, path: string): string {
    return join(this.folder, stage, path);
  }

  /** What `.dockerignore` lets through: it ignores everything, then names exceptions. */
  private fillContext(): void {
    const lines = projectText('.dockerignore').split('\n');
    expect(lines).toContain('*');
    for (const path of lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))) {
      cpSync(join(PROJECT, path), join(this.context, path), {
        recursive: true,
        filter: (file) => !file.endsWith('.spec.ts'),
      });
    }
  }

  private buildStage(name: string, steps: readonly Instruction[]): void {
    let folder = this.path(name, '/');
    for (const { keyword, rest } of steps) {
      if (keyword === 'WORKDIR') mkdirSync((folder = this.path(name, rest)), { recursive: true });
      if (keyword === 'COPY') this.copy(rest, folder);
      // What the project itself was installed with.
      if (keyword === 'RUN' && /^npm ci(?!.*--omit)/.test(rest)) {
        symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
      } else if (keyword === 'RUN' && rest.startsWith('npm')) {
        const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], npm_config_prefer_offline: 'true' };
        // The cache belongs to whoever runs the tests, so it stays.
        const commands = rest.replace(' && npm cache clean --force', '');
        execFileSync('sh', ['-c', commands], { cwd: folder, env, stdio: 'pipe', timeout: BUILD_DEADLINE_MS });
      }
    }
  }

  private copy(rest: string, folder: string): void {
    const { from, sources, to } = parseCopy(rest);
    const base = from === undefined ? this.context : this.path(from, '/');
    for (const source of sources) {
      const target = sources.length > 1 || to === './' ? join(folder, to, source) : join(folder, to);
      // From another stage it is moved: nothing else needs it there, and there is much of it.
      if (from === undefined) cpSync(join(base, source), target, { recursive: true });
      else renameSync(join(base, source), target);
    }
  }
}

describe('the image, played from its Dockerfile', () => {
  const image = new PlayedImage();
  const app = image.path('result', rest('WORKDIR'));

  beforeAll(() => image.build(), BUILD_DEADLINE_MS);
  afterAll(() => rmSync(image.folder, { recursive: true, force: true, maxRetries: 5 }), BUILD_DEADLINE_MS);

  it('holds what runs, and nothing that only develops', () => {
    expect(readdirSync(app).sort()).toEqual(['LICENSE', 'dist', 'docs', 'node_modules', 'package.json']);
    // The command line refers to it.
    expect(readdirSync(join(app, 'docs'))).toEqual(['operations.md']);
    const packages = readdirSync(join(app, 'node_modules'));
    expect(packages).toContain('lmdb');
    expect(packages.filter((name) => /^(typescript|vitest|eslint|prettier|aedes)$/.test(name))).toEqual([]);
    const files = readdirSync(join(app, 'dist'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.includes('.spec.'))).toEqual([]);
  });

  it('adds little to its base image', () => {
    const [kilobytes] = execFileSync('du', ['-sk', app], { encoding: 'utf8' }).split('\t');
    expect(Number(kilobytes)).toBeLessThan(MOST_KILOBYTES);
  });

  it('runs as somebody else from a folder that it cannot write, and its health check passes', async () => {
    const isRoot = process.getuid?.() === 0;
    const queue = mkdtempSync(join(tmpdir(), 'arus-image-queue-'));
    onTestFinished(() => rmSync(queue, { recursive: true, force: true }));
    if (isRoot) execFileSync('chown', [String(NOBODY), queue]);
    execFileSync('chmod', ['-R', 'a-w', app]);
    expect(statSync(app).mode & 0o222).toBe(0);
    const env = {
      ...environmentOf(last),
      PATH: process.env['PATH'],
      MQTT_QUEUE_DIR: queue,
      PORT: String(await freePort()),
      HOST: '127.0.0.1',
      VESSEL_ID: 'mv-image',
    };
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    const [program, ...args] = execForm(rest('CMD'));
    const service = spawn(program!, args, { cwd: app, env, stdio: 'pipe', ...user });
    let output = '';
    for (const stream of [service.stdout, service.stderr]) stream.on('data', (text) => (output += String(text)));
    onTestFinished(() => void service.kill('SIGKILL'));
    const [checker, ...check] = execForm(rest('HEALTHCHECK').replace(/^.*CMD /, ''));
    const healthCheck = async (): Promise<number | null> => {
      const run = spawn(checker!, check, { cwd: app, env, ...user });
      return new Promise((resolve) => run.on('exit', resolve));
    };
    expect(await healthCheck()).toBe(1);
    await until(async () => (await healthCheck()) === 0, {
      what: () => `the health check; ${output}`,
      deadlineMs: 40_000,
    });
    service.kill('SIGTERM');
    expect(await new Promise((resolve) => service.on('exit', resolve))).toBe(0);
    // NODE_ENV is production there: every line is JSON.
    expect(
      output
        .trim()
        .split('\n')
        .every((line) => line.startsWith('{')),
    ).toBe(true);
  });
});

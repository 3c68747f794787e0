import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Aedes } from 'aedes';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { filesIn, linksOf } from '../helpers/markdown.js';
import { listen } from '../helpers/ports.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** An installation takes about 20 s with a warm cache; a slow registry must not hang the run. */
const INSTALL_DEADLINE_MS = 240_000;
const RUN_DEADLINE_MS = 60_000;

/** What a Nest application has before it knows of this package, in the versions of the lock file. */
const NEST = [
  ...['@nestjs/common', '@nestjs/core', '@nestjs/microservices', '@nestjs/testing'],
  ...['reflect-metadata', 'rxjs', '@types/node'],
];

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const APPLICATION = `
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule, type Receipt, SyncPublisher } from '@arus/mqtt-sync';

@Injectable()
class WorkOrders {
  constructor(private readonly sync: SyncPublisher) {}

  close(id: string): Promise<Receipt> {
    return this.sync.publish('work_orders', 'update', { id, status: 'done' });
  }
}

@Module({
  imports: [
    MqttSyncModule.forRoot({
      brokerUrl: process.env['BROKER_URL'] ?? '',
      vesselId: 'mv_packed',
      queue: { dir: process.env['QUEUE_DIR'] ?? '' },
    }),
  ],
  providers: [WorkOrders],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
const receipt = await app.get(WorkOrders).close('WO-1');
await receipt.delivered({ timeoutMs: 30_000 });
await app.close();
console.log(JSON.stringify({ durable: receipt.durable, sequence: receipt.sequence }));
`;

const APPLICATION_TEST = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { SyncPublisher } from '@arus/mqtt-sync';
import { MqttSyncTestingModule, RecordingPublisher } from '@arus/mqtt-sync/testing';

@Module({ imports: [MqttSyncTestingModule.register()] })
class TestModule {}

const app = await NestFactory.createApplicationContext(TestModule, { logger: ['warn', 'error'] });
await app.get(SyncPublisher).publish('alerts', 'create', { id: 'AL-1' });
const { published } = app.get(RecordingPublisher);
await app.close();
console.log(JSON.stringify(published));
`;

const COMPILER_OPTIONS = {
  target: 'ES2023',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};

interface PackedFile {
  readonly path: string;
}

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

const execute = promisify(execFile);

/** Runs a command to its end; a failure shows what it printed. */
async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const timeout = command === 'npm' ? INSTALL_DEADLINE_MS : RUN_DEADLINE_MS;
  try {
    return (await execute(command, args, { cwd, timeout, env: { ...process.env, ...env } })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** What the application itself printed; its log comes before. */
function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1) ?? '';
}

interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function writeApplication(folder: string, packedFile: string): void {
  const nest = Object.fromEntries(NEST.map((name) => [name, manifestOf(join(ROOT, 'node_modules', name)).version]));
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...nest, '@arus/mqtt-sync': `file:${packedFile}` },
  };
  mkdirSync(join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['src'] }));
  writeFileSync(join(folder, 'src/main.ts'), APPLICATION);
  writeFileSync(join(folder, 'src/main-test.ts'), APPLICATION_TEST);
}

/** An application for each section of the README that shows code, made of its files and those of the sections before it. */
function writeReadmeApplications(folder: string): void {
  const files = new Map<string, string>();
  [...filesIn(README).values()].forEach((shown, index) => {
    const src = join(folder, 'readme', `section-${index}`);
    mkdirSync(src, { recursive: true });
    for (const [name, code] of shown) files.set(name, code);
    for (const [name, code] of files) writeFileSync(join(src, name), code);
  });
  const options = {
    ...COMPILER_OPTIONS,
    rootDir: undefined,
    noEmit: true,
    skipLibCheck: true,
    // An application has a test runner; this one has none.
    paths: { vitest: [join(ROOT, 'node_modules/vitest/dist/index.d.ts')] },
  };
  writeFileSync(
    join(folder, 'tsconfig.readme.json'),
    JSON.stringify({ compilerOptions: options, include: ['readme'] }),
  );
}

/** Folders of a package below a folder, itself and nested copies alike. */
function copiesOf(name: string, folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    `/${path}`.endsWith(`/${name}/package.json`),
  );
}

/** A broker of its own for one test; resolves with its URL and what it receives. */
async function embeddedBroker(): Promise<{ url: string; received: Map<string, unknown> }> {
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => void broker.handle(socket));
  const port = await listen(server);
  const received = new Map<string, unknown>();
  broker.on('publish', ({ topic, payload }) => {
    if (topic.startsWith('vessel/')) received.set(topic, JSON.parse(payload.toString()));
  });
  onTestFinished(async () => {
    server.close();
    await new Promise<void>((resolve) => broker.close(resolve));
  });
  return { url: `mqtt://127.0.0.1:${port}`, received };
}

describe('the packed package', () => {
  let folder: string;
  let app: string;
  let packed: Packed;

  beforeAll(async () => {
    if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error('dist is missing: run "npm run build" first');
    folder = mkdtempSync(join(tmpdir(), 'arus-sync-package-'));
    app = join(folder, 'app');
    const answer = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT);
    packed = (JSON.parse(answer) as [Packed])[0];
    writeApplication(app, join(folder, packed.filename.replace('@', '').replace('/', '-')));
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-progress'], app);
    await run(process.execPath, [TSC, '-p', app, '--skipLibCheck'], app);
  }, INSTALL_DEADLINE_MS + RUN_DEADLINE_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what a user needs and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const expected = [
      /^dist\/(.+\.(js|d\.ts|js\.map)|service\/ui\/(index\.html|page\.css|icon\.svg))$/,
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
      // What the README leads to.
      /^(docs\/([\w-]+\.md|asyncapi\.yaml|examples\/[\w-]+\.py)|deploy\/.+)$/,
    ];
    const isExpected = (path: string) => expected.some((pattern) => pattern.test(path));
    expect(paths.filter((path) => !isExpected(path) || /\.spec\.|fake-|tsbuildinfo/.test(path))).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining(['dist/index.d.ts', 'dist/service/main.js', 'dist/service/ui/index.html', 'LICENSE']),
    );
    expect(packed.unpackedSize).toBeLessThan(3_000_000);
  });

  it('holds the files for deployment, and no secret that was made beside them', async () => {
    const clone = mkdtempSync(join(tmpdir(), 'arus-sync-clone-'));
    onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
    for (const name of ['package.json', '.gitignore', 'deploy'])
      cpSync(join(ROOT, name), join(clone, name), { recursive: true });
    const secrets = ['deploy/.env', 'deploy/kubernetes/secret.yaml', 'deploy/mosquitto/certificates/authority/ca.key'];
    for (const path of secrets) {
      mkdirSync(dirname(join(clone, path)), { recursive: true });
      writeFileSync(join(clone, path), 'secret');
    }
    const answer = await run('npm', ['pack', '--json', '--ignore-scripts', '--dry-run'], clone);
    const paths = (JSON.parse(answer) as [Packed])[0].files.map(({ path }) => path);
    expect(paths.filter((path) => secrets.includes(path))).toEqual([]);
    expect(paths).toEqual(
      expect.arrayContaining(['deploy/compose/shore.yml', 'deploy/kubernetes/secret.example.yaml']),
    );
  });

  it('holds what its README links to, but for the pictures', () => {
    const targets = linksOf(README).map((link) => link.split('#')[0]!);
    const paths = new Set(packed.files.map(({ path }) => path));
    const dead = targets.filter((target) => target !== '' && !target.endsWith('.png') && !paths.has(target));
    expect(dead).toEqual([]);
  });

  it('has a file behind every export', () => {
    const { exports } = manifestOf(ROOT);
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    const paths = new Set(packed.files.map(({ path }) => `./${path}`));
    expect(targets.filter((target) => !paths.has(target))).toEqual([]);
  });

  it.each(['@nestjs/core', '@nestjs/common', '@nestjs/microservices', 'rxjs', 'reflect-metadata'])(
    'shares the one copy of %s that the application has',
    (name) => {
      expect(copiesOf(name, join(app, 'node_modules'))).toEqual([`${name}/package.json`]);
    },
  );

  it('type-checks a strict application, declarations of the package included', async () => {
    await run(process.execPath, [TSC, '-p', app, '--noEmit', '--skipLibCheck', 'false'], app);
  });

  it('type-checks the applications of its README', async () => {
    writeReadmeApplications(app);
    await run(process.execPath, [TSC, '-p', join(app, 'tsconfig.readme.json')], app);
  });

  it('publishes a change from a Nest application to a broker', async () => {
    const { url, received } = await embeddedBroker();
    const env = { BROKER_URL: url, QUEUE_DIR: join(folder, 'queue') };
    const output = await run(process.execPath, ['dist/main.js'], app, env);
    expect(JSON.parse(lastLine(output))).toEqual({ durable: true, sequence: 1 });
    expect(received.get('vessel/sync/work_orders')).toMatchObject({
      type: 'data_change',
      entity: 'work_orders',
      operation: 'update',
      key: 'WO-1',
      vesselId: 'mv_packed',
      sequence: 1,
      data: { id: 'WO-1', status: 'done' },
    });
  });

  it('lets an application test itself without broker and disk', async () => {
    const published = JSON.parse(lastLine(await run(process.execPath, ['dist/main-test.js'], app))) as unknown;
    expect(published).toMatchObject([{ entity: 'alerts', operation: 'create', key: 'AL-1', qos: 2 }]);
    expect(existsSync(join(app, '.mqtt-queue'))).toBe(false);
  });

  it('brings the command line, which runs from where it is installed', async () => {
    expect(packed.files.map(({ path }) => path)).toEqual(expect.arrayContaining(Object.values(manifestOf(ROOT).bin)));
    const help = await run('npx', ['--no-install', 'arus-mqtt-sync', 'queue', '--help'], app);
    expect(help).toMatch(/^Usage: arus-mqtt-sync queue /);
    const command = join(app, 'node_modules/.bin/arus-mqtt-sync');
    expect((await run(command, ['--version'], folder)).trim()).toBe(manifestOf(ROOT).version);
    // The store, with its native parts, is found as well.
    const empty = await run(command, ['status', '--queue-dir', folder], folder).catch((error: Error) => error.message);
    expect(empty).toContain('There is no queue in');
  });

  it('starts as a service from where it is installed', async () => {
    const main = 'node_modules/@arus/mqtt-sync/dist/service/main.js';
    expect((await run(process.execPath, [main, '--version'], app)).trim()).toBe(manifestOf(ROOT).version);
  });
});

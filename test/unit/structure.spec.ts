import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/**
 * Section 8 of the design: imports point one way, from a later row to an earlier one. What shares a row does not import
 * each other. A name that ends with a slash is a folder, whose files may import each other.
 */
const ROWS: readonly (readonly string[])[] = [
  [
    'mqtt-sync/errors.ts',
    'mqtt-sync/error-text.ts',
    'mqtt-sync/broker-url.ts',
    'mqtt-sync/logger.ts',
    'mqtt-sync/time/',
  ],
  // The options are written in these words; the rest of the wire is built from the options.
  ['mqtt-sync/wire/lanes.ts', 'mqtt-sync/wire/vessel-id.ts'],
  ['mqtt-sync/wire/entity-policies.ts'],
  ['mqtt-sync/mqtt-sync.options.ts'],
  ['mqtt-sync/resolve-options.ts'],
  // Holds the token of the options and nothing else of the module.
  ['mqtt-sync/mqtt-sync.module-definition.ts'],
  ['mqtt-sync/wire/'],
  ['mqtt-sync/sync-events.ts'],
  ['mqtt-sync/sync-statistics.ts'],
  // What a folder on disk takes, whatever is stored in it.
  ['mqtt-sync/store/'],
  ['mqtt-sync/queue/', 'mqtt-sync/connection/'],
  ['mqtt-sync/publisher/', 'mqtt-sync/subscriber/'],
  // Nest's client interface over the publisher.
  ['mqtt-sync/client/'],
  // What health and metrics both show.
  ['mqtt-sync/sync-status.ts'],
  ['metrics/', 'health/'],
  ['mqtt-sync/'],
  ['service/', 'mqtt-sync/testing/', 'index.ts'],
];

const NAMES = ROWS.flat();

/** The most exact name in `ROWS` that a file falls under. */
function partOf(file: string): string | undefined {
  const names = NAMES.filter((name) => (name.endsWith('/') ? file.startsWith(name) : file === name));
  return names.sort((a, b) => b.length - a.length)[0];
}

function rowOf(part: string): number {
  return ROWS.findIndex((row) => row.includes(part));
}

/** What a file imports, re-exports or loads: relative paths resolved to files of `src`, packages as they are. */
function importsOf(file: string, source: string): string[] {
  return ts
    .preProcessFile(source, true, true)
    .importedFiles.map(({ fileName }) =>
      fileName.startsWith('.') ? posix.join(posix.dirname(file), fileName.replace(/\.js$/, '.ts')) : fileName,
    );
}

type Sources = ReadonlyMap<string, string>;

/** Imports against the direction, as `from -> to`. */
function wrongWays(sources: Sources): string[] {
  const wrong: string[] = [];
  for (const [file, source] of sources) {
    const from = partOf(file);
    for (const target of importsOf(file, source)) {
      const to = sources.has(target) ? partOf(target) : undefined;
      if (from === undefined || to === undefined || from === to) continue;
      if (rowOf(to) >= rowOf(from)) wrong.push(`${file} -> ${target}`);
    }
  }
  return wrong;
}

/** A circle of imports, each file followed by one that it imports; undefined when there is none. */
function circle(sources: Sources): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of importsOf(file, sources.get(file) ?? '')) {
      const found = sources.has(target) ? visit(target, [...path, file]) : undefined;
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of sources.keys()) {
    const found = visit(file, []);
    if (found) return found;
  }
  return undefined;
}

/** The sources as they run: what only the compiler needs is gone. */
function compiled(sources: Sources): Sources {
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  const emit = (source: string): string => ts.transpileModule(source, { compilerOptions }).outputText;
  return new Map([...sources].map(([file, source]) => [file, emit(source)]));
}

/** Packages that are imported and not among the declared ones. */
function undeclaredPackages(sources: Sources, declared: ReadonlySet<string>): string[] {
  const packages = [...sources].flatMap(([file, source]) =>
    importsOf(file, source).filter((name) => !sources.has(name)),
  );
  const names = packages
    .filter((name) => !name.startsWith('node:'))
    .map((name) => name.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? name);
  return [...new Set(names)].filter((name) => !declared.has(name));
}

const root = new URL('../../', import.meta.url);

function readSources(): Sources {
  const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  return new Map(files.map((file) => [file, readFileSync(new URL(`src/${file}`, root), 'utf8')]));
}

function declaredPackages(): Set<string> {
  const text = readFileSync(fileURLToPath(new URL('package.json', root)), 'utf8');
  const { dependencies, peerDependencies } = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  return new Set(Object.keys({ ...dependencies, ...peerDependencies }));
}

describe('the structure of src', () => {
  const sources = readSources();

  it('has a place for every file', () => {
    expect([...sources.keys()].filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  it('imports one way only', () => {
    expect(wrongWays(sources)).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(circle(sources)).toBeUndefined();
  });

  it('imports only packages that a user of the package gets with it', () => {
    expect(undeclaredPackages(compiled(sources), declaredPackages())).toEqual([]);
    // Compiles every file, which takes its time on a busy machine.
  }, 120_000);
});

describe('the guard of the structure', () => {
  const planted = (file: string, source: string): Sources =>
    new Map([
      ['index.ts', ''],
      ['mqtt-sync/errors.ts', ''],
      ['mqtt-sync/queue/disk-queue.ts', ''],
      ['mqtt-sync/connection/link.ts', ''],
      ['mqtt-sync/publisher/dispatcher.ts', ''],
      [file, source],
    ]);

  it.each([
    ['from a lower part to a higher one', 'mqtt-sync/queue/a.ts', "import { x } from '../publisher/dispatcher.js';"],
    ['between siblings', 'mqtt-sync/queue/a.ts', "import { type L } from '../connection/link.js';"],
    ['of the public index from inside', 'mqtt-sync/mqtt-sync.module.ts', "export * from '../index.js';"],
    ['that happens while it runs', 'mqtt-sync/time/a.ts', "const load = () => import('../errors.js');"],
  ])('finds an import %s', (_what, file, source) => {
    expect(wrongWays(planted(file, source))).toHaveLength(1);
  });

  it('lets a higher part import a lower one', () => {
    const source = "import { a } from '../queue/disk-queue.js'; import { b } from '../connection/link.js';";
    expect(wrongWays(planted('mqtt-sync/publisher/a.ts', source))).toEqual([]);
  });

  it('finds a circle', () => {
    const sources = planted('mqtt-sync/errors.ts', "import './queue/disk-queue.js';");
    const both = new Map([...sources, ['mqtt-sync/queue/disk-queue.ts', "import '../errors.js';"]]);
    expect(circle(both)).toEqual(['mqtt-sync/errors.ts', 'mqtt-sync/queue/disk-queue.ts', 'mqtt-sync/errors.ts']);
  });

  it('finds a package that is not declared', () => {
    const sources = planted('mqtt-sync/a.ts', "import '@nestjs/testing/x.js'; import 'lmdb'; import 'node:fs';");
    expect(undeclaredPackages(sources, new Set(['lmdb']))).toEqual(['@nestjs/testing']);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandBlocks, PROJECT } from '../helpers/documented-commands.js';

const docs = readdirSync(join(PROJECT, 'docs')).filter((file) => file.endsWith('.md'));
const DOCUMENTS = ['README.md', ...docs.map((file) => `docs/${file}`)];

/** What no test runs as it stands: its first line, and why. */
const NOT_RUN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': {
    'npm ci && npm run demo': '.ci/run does, with --quick',
    'npm test': 'runs the tests; .ci/run does',
    'npm pack                                          # in a clone, after npm ci: makes arus-mqtt-sync-0.1.0.tgz':
      'installs into a project of the reader; package.e2e-spec.ts packs and installs by itself',
    'npm run build': 'runs until it is stopped; .ci/run builds, and the tests start what was built',
    'VESSEL_ID=office PORT=5001 MQTT_QUEUE_DIR=.mqtt-queue-office npm start': 'likewise',
    'export SYNC_INGRESS_TOKEN=$(openssl rand -hex 32)': 'needs Docker; image.e2e-spec.ts plays the Dockerfile',
  },
  'docs/deployment.md': {
    'npm ci && npm run build && npm ci --omit=dev': 'removes what the tests are made with',
    'systemctl daemon-reload && systemctl enable --now arus-mqtt-sync': 'needs systemd, and changes the machine',
  },
  'docs/operations.md': {
    'systemctl start arus-mqtt-sync': 'needs systemd, and changes the machine',
    'docker compose start sync': 'needs Docker',
  },
  'docs/wire-contract.md': {
    "mosquitto_sub -h broker.example -i office -c -q 1 -t 'vessel/sync/#' | python3 docs/examples/consumer.py":
      'has no end; wire-contract.e2e-spec.ts runs the reader on what a broker brings',
  },
};

const firsts = (matches: Iterable<RegExpMatchArray>) => new Set([...matches].map(([, text]) => text!));

/** The names with which each file of tests runs something, and all its strings. */
const sources = ['test/e2e', 'test/unit', 'test/helpers'].flatMap((folder) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const text = readFileSync(join(PROJECT, folder, file), 'utf8');
      const called = text.matchAll(
        /\b(?:(?:documentedCommands|deployBroker)\([^,()]+, |run\w*\(|readme\()'([^'\n]+)'/g,
      );
      return { called: firsts(called), strings: firsts(text.matchAll(/'([^'\n]+)'/g)) };
    }),
);

/** A test names a block as a whole, or as what is done and with what kind of deployment. */
function isRun(name: string): boolean {
  const space = name.lastIndexOf(' ');
  const [action, kind] = [name.slice(0, space), name.slice(space + 1)];
  return sources.some(({ called, strings }) => called.has(name) || (called.has(action) && strings.has(kind)));
}

describe.each(DOCUMENTS)('the commands of %s', (document) => {
  const blocks = commandBlocks(document);
  const names = blocks.flatMap(({ name }) => name ?? []);

  it('are run by a test, or are among those of which it is said why not', () => {
    const unnamed = blocks.filter(({ name }) => name === undefined).map(({ commands }) => commands.split('\n')[0]!);
    expect(unnamed).toEqual(Object.keys(NOT_RUN[document] ?? {}));
    expect(names.filter((name) => !isRun(name))).toEqual([]);
  });

  it('have names of their own', () => {
    expect(new Set(names).size).toBe(names.length);
  });
});

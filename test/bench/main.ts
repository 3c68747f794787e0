// The benchmark against the alternatives: see --help. `npm run bench` compiles it and the product first.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { type Arguments, ArgumentsError, HELP, readArguments } from './arguments.js';
import { nowMs } from './clock.js';
import { conditionsAfter, conditionsBefore } from './conditions.js';
import { judge } from './measures.js';
import { renderReport } from './report.js';
import { toRows } from './results.js';
import { Resources } from './rig/resources.js';
import { type Run, type Sample } from './run.js';
import { backlog } from './scenarios/backlog.js';
import { drain, drainSlowly } from './scenarios/drain.js';
import { eventLoop } from './scenarios/event-loop.js';
import { checkLinks } from './scenarios/link.js';
import { offline } from './scenarios/offline.js';
import { recovery } from './scenarios/recovery.js';
import { steady } from './scenarios/steady.js';
import { wire } from './scenarios/wire.js';
import { FULL, QUICK, type Sizes } from './sizes.js';

const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

function sizesOf({ quick, rounds }: Arguments): Sizes {
  const sizes = quick ? QUICK : FULL;
  return rounds === undefined ? sizes : { ...sizes, rounds, millionRounds: rounds };
}

function prepare(asked: Arguments, resources: Resources, samples: Sample[]): Run {
  const beganMs = nowMs();
  return {
    resources,
    sizes: sizesOf(asked),
    contenders: (candidates) => candidates.filter((id) => asked.contenders.includes(id)),
    profiles: (candidates) => candidates.filter((id) => asked.profiles.includes(id)),
    execArgv: asked.cpuProfiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(asked.cpuProfiles)}`],
    record: (sample) => samples.push(sample),
    say: (text) => {
      const elapsed = new Date(nowMs() - beganMs).toISOString().slice(11, 19);
      process.stderr.write(`[${elapsed}] ${text}\n`);
    },
  };
}

async function runScenarios(run: Run, { scenarios }: Arguments): Promise<void> {
  const has = (id: Arguments['scenarios'][number]) => scenarios.includes(id);
  if (has('link')) await checkLinks(run);
  if (has('steady')) await steady(run);
  if (has('drain')) await drain(run);
  if (has('drain')) await drainSlowly(run, 'geo');
  if (has('wire')) await wire(run);
  if (has('event-loop')) await eventLoop(run);
  if (has('offline')) await offline(run);
  const parts = { start: has('start'), alert: has('alert'), drainMillion: has('drain-million') };
  if (Object.values(parts).includes(true)) await backlog(run, parts);
  // Both wait for slow links most of the time.
  await Promise.all([has('drain') && drainSlowly(run, 'certus'), has('recovery') && recovery(run)]);
}

async function main(asked: Arguments): Promise<number> {
  if (findMosquitto() === undefined) throw new Error('mosquitto is not installed; install it or set MOSQUITTO_BIN');
  const resources = new Resources();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void resources.end().finally(() => process.exit(EXIT_INTERRUPTED)));
  }
  const samples: Sample[] = [];
  const run = prepare(asked, resources, samples);
  const before = conditionsBefore();
  await runScenarios(run, asked).finally(() => resources.end());
  const conditions = conditionsAfter(before);
  const rows = toRows(samples);
  const measures = judge(rows, run.sizes.million);
  const path = asked.json ?? `build/bench/${before.began.replaceAll(/[:.]/g, '-')}.json`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ conditions, sizes: run.sizes, measures, rows, samples }, null, 2)}\n`);
  process.stdout.write(renderReport(conditions, rows, measures));
  process.stderr.write(`The results as JSON: ${path}\n`);
  return asked.strict && measures.some(({ verdict }) => verdict === 'MISSED') ? 1 : 0;
}

try {
  const asked = readArguments(process.argv.slice(2));
  if (asked.help) process.stdout.write(HELP);
  else process.exitCode = await main(asked);
} catch (error) {
  const isUsage = error instanceof ArgumentsError;
  process.stderr.write(
    isUsage ? `${error.message}\nSee --help.\n` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = isUsage ? EXIT_USAGE : 1;
}

// The benchmark against the alternatives: see --help. `npm run bench` compiles it and the product first.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { type Arguments, ArgumentsError, HELP, readArguments } from './arguments.js';
import { nowMs } from './clock.js';
import { type Conditions, conditionsAfter, conditionsBefore } from './conditions.js';
import { deadline, type Ending, interruption, LONGEST_RUN_MS } from './endings.js';
import { shapedLinks } from './link-claims.js';
import { judge } from './measures.js';
import { renderReport } from './report.js';
import { toRows } from './results.js';
import { Resources } from './rig/resources.js';
import type { Run, Sample } from './run.js';
import { backlog } from './scenarios/backlog.js';
import { drain, drainSlowly } from './scenarios/drain.js';
import { eventLoop } from './scenarios/event-loop.js';
import { checkLinks } from './scenarios/link.js';
import { offline } from './scenarios/offline.js';
import { receive } from './scenarios/receive.js';
import { recovery } from './scenarios/recovery.js';
import { steady } from './scenarios/steady.js';
import { wire } from './scenarios/wire.js';
import { FULL, QUICK, type Sizes } from './sizes.js';
import { toTheEnd } from './to-the-end.js';

const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

function sizesOf({ quick, rounds }: Arguments): Sizes {
  const sizes = quick ? QUICK : FULL;
  return rounds === undefined ? sizes : { ...sizes, rounds };
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

type Step = readonly [isAsked: boolean, run: () => Promise<unknown>];

/** Runs what was asked for. @param over no other scenario is begun. @returns how many failed. */
async function runScenarios(run: Run, { scenarios, profiles, quick }: Arguments, over: AbortSignal): Promise<number> {
  const has = (id: Arguments['scenarios'][number]) => scenarios.includes(id);
  const parts = { start: has('start'), alert: has('alert'), drainMillion: has('drain-million') };
  const slow: readonly Step[] = [
    [has('drain'), () => drainSlowly(run, 'geo')],
    // Both wait for slow links most of the time.
    [
      has('drain') || has('recovery'),
      () =>
        toTheEnd([...(has('drain') ? [drainSlowly(run, 'certus')] : []), ...(has('recovery') ? [recovery(run)] : [])]),
    ],
    [Object.values(parts).includes(true), () => backlog(run, parts)],
  ];
  const fast: readonly Step[] = [
    [has('steady'), () => steady(run)],
    [has('drain'), () => drain(run)],
    [has('wire'), () => wire(run)],
    [has('event-loop'), () => eventLoop(run)],
    [has('offline'), () => offline(run)],
    [has('receive'), () => receive(run)],
  ];
  const links = shapedLinks(scenarios, profiles);
  const link: Step = [links.length > 0, () => checkLinks(run, links)];
  if (!quick) return inTurn(run, [link, ...fast, ...slow], over);
  const failures = await Promise.all([inTurn(run, [link, ...slow], over), inTurn(run, fast, over)]);
  return failures[0] + failures[1];
}

/** Runs one after the other; one that fails does not keep the next from running. @returns how many failed. */
async function inTurn(run: Run, steps: readonly Step[], over: AbortSignal): Promise<number> {
  let failures = 0;
  for (const [isAsked, step] of steps) {
    if (!isAsked || over.aborted) continue;
    await step().catch((error: unknown) => {
      // What it worked with was taken away from it.
      if (over.aborted) return;
      failures++;
      run.say(`FAILED: ${String(error instanceof Error ? error.stack : error)}`);
    });
  }
  return failures;
}

async function main(asked: Arguments): Promise<number> {
  if (findMosquitto() === undefined) throw new Error('mosquitto is not installed; install it or set MOSQUITTO_BIN');
  const resources = new Resources();
  const samples: Sample[] = [];
  const run = prepare(asked, resources, samples);
  const before = conditionsBefore();
  const over = new AbortController();
  const scenarios = runScenarios(run, asked, over.signal);
  const ended = await Promise.race([scenarios, interruption(), deadline(LONGEST_RUN_MS)]);
  over.abort();
  const measured = [...samples];
  await resources.end();
  const ending: Ending = typeof ended === 'number' ? 'complete' : ended;
  const isMissed = report(asked, run, conditionsAfter(before, ending), measured);
  if (ended === 'interrupted') process.exit(EXIT_INTERRUPTED);
  if (ended === 'out of time') {
    const minutes = LONGEST_RUN_MS / 60_000;
    process.stderr.write(`OUT OF TIME: stopped after ${minutes} minutes, before all was measured.\n`);
    process.exit(1);
  }
  return ended > 0 || (asked.strict && isMissed) ? 1 : 0;
}

/** @returns whether a measure was missed. */
function report(asked: Arguments, run: Run, conditions: Conditions, samples: readonly Sample[]): boolean {
  const rows = toRows(samples);
  const measures = judge(samples, run.sizes.million);
  const path = asked.json ?? `build/bench/${conditions.began.replaceAll(/[:.]/g, '-')}.json`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ conditions, sizes: run.sizes, measures, rows, samples }, null, 2)}\n`);
  process.stdout.write(renderReport(conditions, rows, measures));
  process.stderr.write(`The results as JSON: ${path}\n`);
  return measures.some(({ verdict }) => verdict === 'MISSED');
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

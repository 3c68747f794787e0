#!/usr/bin/env node
import { readSmokeOptions, SMOKE_HELP, type SmokeOptions, SmokeUsageError } from './smoke-options.js';
import { lineOf, summaryOf } from './smoke-report.js';
import { SmokeTest } from './smoke-test.js';

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

async function main(): Promise<number> {
  let options: SmokeOptions | undefined;
  try {
    options = readSmokeOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof SmokeUsageError)) throw error;
    process.stderr.write(`${error.message}; try --help.\n`);
    return EXIT_USAGE;
  }
  if (!options) {
    process.stdout.write(`${SMOKE_HELP}\n`);
    return 0;
  }
  const { json } = options;
  const result = await new SmokeTest(options, (check) => json || process.stdout.write(`${lineOf(check)}\n`)).run();
  process.stdout.write(json ? `${JSON.stringify(result, undefined, 2)}\n` : `${summaryOf(result)}\n`);
  return result.passed ? 0 : 1;
}

process.exitCode = await main();

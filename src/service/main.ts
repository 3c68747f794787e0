#!/usr/bin/env node
import 'reflect-metadata';
import { leaveOnSignals } from './early-signals.js';
import type { Environment } from './environment/environment.js';

/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIGURATION = 78;

async function main(): Promise<void> {
  // Before anything is loaded that takes time.
  const letGoOfSignals = leaveOnSignals();
  const { answerCommandLine } = await import('./command-line.js');
  const answer = answerCommandLine(process.argv.slice(2));
  if (answer) {
    const { text, exitCode } = answer;
    (exitCode === 0 ? process.stdout : process.stderr).write(`${text}\n`);
    process.exitCode = exitCode;
    return;
  }
  const environment = await understandEnvironment();
  if (!environment) return;
  // Loaded late, so that --help and a bad environment are answered at once.
  const { runService } = await import('./run-service.js');
  await runService(environment, letGoOfSignals);
}

async function understandEnvironment(): Promise<Environment | undefined> {
  const { EnvironmentError, readEnvironment } = await import('./environment/environment.js');
  try {
    return readEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`The service cannot start: the environment is wrong (see --help).\n${error.message}\n`);
    process.exitCode = EXIT_CONFIGURATION;
    return undefined;
  }
}

await main();

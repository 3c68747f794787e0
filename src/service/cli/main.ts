#!/usr/bin/env node
import type { CommandContext } from './context.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { Output } from './output.js';
import { runCommandLine } from './program.js';
import { resultStream } from './whole-writes.js';

const interruption = new AbortController();

/** From then on the command ends by itself, and a second signal ends the process. */
function interruptible(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
}

const context: CommandContext = {
  env: process.env,
  output: new Output(resultStream(process.stdout), process.stderr, process.env),
  stdin: process.stdin,
  stderr: process.stderr,
  interruption: interruption.signal,
  interruptible,
  exitWith: (code: ExitCode) => {
    process.exitCode = code;
  },
};

process.exitCode = EXIT.ok;
await runCommandLine(process.argv.slice(2), context);

import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline/promises';
import { CliError } from './cli-error.js';
import { EXIT } from './exit-codes.js';
import type { Output } from './output.js';

/** Who may be asked. */
export interface Asked {
  readonly output: Output;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Asks before something that cannot be undone.
 * @param yes it was confirmed already, by `--yes`.
 * @throws {CliError} nobody is there to ask, or the answer is no.
 */
export async function confirm({ output, stdin, stderr }: Asked, what: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (stdin.isTTY !== true || !output.isWatched) {
    const why = 'This cannot be undone, and there is no terminal to ask at: confirm it with --yes.';
    throw new CliError(`${what} ${why}`, EXIT.usage);
  }
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    const answer = await Promise.race([terminal.question(`${what} This cannot be undone. Go on? [y/N] `), ended]);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new CliError('Nothing was done.', EXIT.failed);
}

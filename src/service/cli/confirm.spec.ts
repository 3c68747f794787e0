import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CliError } from './cli-error.js';
import { confirm } from './confirm.js';
import { EXIT } from './exit-codes.js';
import type { Output } from './output.js';

const WHAT = 'The queue gets a new epoch.';

/** Somebody at a terminal. */
function terminal(isTTY = true) {
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const stderr = new PassThrough();
  return { stdin, stderr, output: { isWatched: true } as Output };
}

describe('the question before what cannot be undone', () => {
  it.each(['y\n', 'Yes\n', ' YES \n'])('goes on with %j', async (answer) => {
    const asked = terminal();
    const confirmed = confirm(asked, WHAT, false);
    asked.stdin.write(answer);
    await confirmed;
    expect(String(asked.stderr.read())).toContain(`${WHAT} This cannot be undone. Go on? [y/N]`);
  });

  it.each(['n\n', '\n', 'yellow\n'])('does nothing with %j', async (answer) => {
    const asked = terminal();
    const confirmed = confirm(asked, WHAT, false);
    asked.stdin.write(answer);
    await expect(confirmed).rejects.toMatchObject({ message: 'Nothing was done.', exitCode: EXIT.failed });
  });

  it('does nothing when the terminal ends without an answer', async () => {
    const asked = terminal();
    const confirmed = confirm(asked, WHAT, false);
    asked.stdin.end();
    await expect(confirmed).rejects.toThrow('Nothing was done.');
  });

  it('asks nobody when there is no terminal, or it was confirmed already', async () => {
    const nobody = terminal(false);
    await expect(confirm(nobody, WHAT, false)).rejects.toThrow(CliError);
    await confirm(nobody, WHAT, true);
    expect(nobody.stderr.read()).toBeNull();
  });
});

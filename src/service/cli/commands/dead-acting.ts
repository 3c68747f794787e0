import { CliError, describeError } from '../cli-error.js';
import type { CommandContext } from '../context.js';
import { EXIT } from '../exit-codes.js';

/** What became of one dead letter. */
interface Acted {
  readonly position: number;
  readonly error?: string;
}

/** Does the same with each dead letter; one that cannot be is reported, and the others go on. */
export async function actOnEach(
  { output, exitWith }: CommandContext,
  positions: readonly number[],
  {
    json,
    act,
    done,
  }: {
    readonly json: boolean;
    readonly act: (position: number) => Promise<object>;
    readonly done: string;
  },
): Promise<void> {
  const results: Acted[] = [];
  for (const position of positions) {
    try {
      results.push({ position, ...(await act(position)) });
      if (!json) await output.line(`${position} ${done}`);
    } catch (error) {
      const { text, exitCode } = describeError(error);
      // Whatever concerns this one only does not concern the next one.
      if (!(error instanceof CliError) || (exitCode !== EXIT.notFound && exitCode !== EXIT.failed)) throw error;
      results.push({ position, error: text });
      exitWith(exitCode);
      output.note(`${position}: ${text}`);
    }
  }
  if (json) await output.document({ deadLetters: results });
}

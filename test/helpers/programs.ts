import { appendFileSync, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';
import { SKIPPED_BROKERS_FILE } from './skipped-brokers.js';

/** Distributions put daemons where a user's PATH does not look. */
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/** Path of an installed program, or undefined. The environment variable, if given and set, overrides the search. */
export function findProgram(name: string, variable?: string): string | undefined {
  const named = variable === undefined ? undefined : process.env[variable];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...EXTRA_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * A `describe` for tests that need programs which `npm ci` does not bring. Where one is missing they are skipped,
 * counted, and named at the very end of the run; with `CI=true` they fail instead.
 */
export function describeWith(
  programs: Readonly<Record<string, string | undefined>>,
  name: string,
  define: () => void,
): void {
  const [missing] = Object.keys(programs).filter((program) => programs[program] === undefined);
  if (missing === undefined || process.env['CI'] === 'true') {
    describe(name, define);
    return;
  }
  // The reporter counts the tests of these groups.
  const file = process.env[SKIPPED_BROKERS_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ broker: missing, group: name })}\n`);
  describe.skip(name, define);
}

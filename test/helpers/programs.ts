import { appendFileSync } from 'node:fs';
import { describe } from 'vitest';
import { SKIPPED_BROKERS_FILE } from './skipped-brokers.js';

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

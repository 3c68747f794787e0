import { spawnSync } from 'node:child_process';
import { findProgram } from '../find-program.js';

/** Debian's package `prometheus` brings it. */
export const PROMTOOL = findProgram('promtool');

/** Runs promtool to its end. */
export function promtool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  if (PROMTOOL === undefined) throw new Error('promtool is not installed; it comes with the Debian package prometheus');
  const { status, stdout, stderr } = spawnSync(PROMTOOL, args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

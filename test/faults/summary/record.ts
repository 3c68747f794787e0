import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';
import { expectBalanced, type FaultReport } from '../oracle/report.js';
import { type FaultRecord, RECORDS_FILE } from './record-file.js';

function append(record: FaultRecord): void {
  const file = process.env[RECORDS_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(record)}\n`);
}

function currentTest(): string {
  return expect.getState().currentTestName ?? '';
}

/** Puts a report into the summary of the run, whatever becomes of the test. */
export function record(report: FaultReport): void {
  append({ kind: 'report', test: currentTest(), report });
}

/**
 * Puts a report into the summary, then fails the test if it does not balance.
 * @throws {Error} as `expectBalanced()` does.
 */
export function conclude(report: FaultReport): void {
  record(report);
  expectBalanced(report);
}

/** Puts a fault that cannot be produced on this machine into the summary as such: never as passed. */
export function recordNotTested(fault: string, why: string): void {
  append({ kind: 'not_tested', test: fault, why });
}

/**
 * Puts a fault under which something is lost, and that nobody means to mend, into the summary as such: with what was
 * seen, and outside the totals, so that those stay a promise.
 */
export function recordLimit(fault: string, what: string): void {
  append({ kind: 'limit', test: currentTest(), what: `${fault}: ${what}` });
}

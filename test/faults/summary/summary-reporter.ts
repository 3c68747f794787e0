import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { scale } from '../scale.js';
import { BUILD_FOLDER } from '../ship/build-folder.js';
import { type FaultRecord, RECORDS_FILE } from './record-file.js';
import { type Outcome, type SummaryRow, tableOf, totalsOf } from './table.js';

/** Prints what every fault came to, at the very end of a run of the fault suite, and writes it to a file. */
export class FaultSummaryReporter implements Reporter {
  private folder: string | undefined;
  private begunMs = 0;

  onInit(): void {
    this.begunMs = performance.now();
    // Workers inherit the environment.
    this.folder = mkdtempSync(join(tmpdir(), 'fault-records-'));
    const file = join(this.folder, 'records.jsonl');
    writeFileSync(file, '');
    process.env[RECORDS_FILE] = file;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const records = this.readRecords();
    const outcomes = outcomesOf(modules);
    // Nothing was run: the file of the last run stays.
    if (outcomes.size === 0) return;
    const rows: SummaryRow[] = records.flatMap((record) =>
      record.kind === 'report' ? { report: record.report, outcome: outcomes.get(record.test) ?? 'pending' } : [],
    );
    const notTested = [
      ...records.flatMap((record) => (record.kind === 'not_tested' ? { fault: record.test, why: record.why } : [])),
      ...[...outcomes].flatMap(([fault, outcome]) => (outcome === 'skipped' ? { fault, why: 'skipped' } : [])),
    ];
    const limits = records.flatMap((record) => (record.kind === 'limit' ? record.what : []));
    const reported = new Set(records.map(({ test }) => test));
    const withoutReport = [...outcomes].flatMap(([test, outcome]) =>
      outcome !== 'skipped' && !reported.has(test) ? { test, outcome } : [],
    );
    const seconds = Math.round((performance.now() - this.begunMs) / 1000);
    const file = this.write({
      scale: scale.name,
      seconds,
      totals: totalsOf(rows),
      rows,
      limits,
      withoutReport,
      notTested,
    });
    const lines = [
      `Faults (${scale.name}, ${seconds} s)`,
      ...tableOf(rows),
      ...rows.flatMap(({ report }) => report.notes.map((note) => `  ${report.name}: ${note}`)),
      ...withoutReport.map(({ test, outcome }) => `  ${outcome}, without a report: ${test}`),
      ...limits.map((what) => `  KNOWN LIMIT: ${what}`),
      ...notTested.map(({ fault, why }) => `  NOT TESTED: ${fault} (${why})`),
      `As JSON: ${relative(process.cwd(), file)}`,
    ];
    // After the other reporters, whose summary would otherwise push this out of sight.
    process.on('exit', () => console.log(`\n${lines.join('\n')}`));
  }

  private readRecords(): FaultRecord[] {
    if (this.folder === undefined) return [];
    const lines = readFileSync(join(this.folder, 'records.jsonl'), 'utf8').split('\n');
    rmSync(this.folder, { recursive: true, force: true });
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as FaultRecord);
  }

  private write(summary: object): string {
    mkdirSync(BUILD_FOLDER, { recursive: true });
    const file = join(BUILD_FOLDER, `summary-${scale.name}.json`);
    writeFileSync(
      file,
      `${JSON.stringify({ node: process.version, at: new Date().toISOString(), ...summary }, null, 2)}\n`,
    );
    return file;
  }
}

/** The tests of the fault suite by full name. */
function outcomesOf(modules: readonly TestModule[]): Map<string, Outcome> {
  const faults = modules.filter(({ project }) => project.name === 'faults');
  const tests = faults.flatMap((module) => [...module.children.allTests()]);
  // As `expect.getState().currentTestName` has it.
  return new Map(tests.map((test) => [test.fullName, test.result().state]));
}

import type { FaultReport } from '../oracle/report.js';

/** How a test ended. */
export type Outcome = 'passed' | 'failed' | 'skipped' | 'pending';

/** One row of the summary. */
export interface SummaryRow {
  readonly report: FaultReport;
  readonly outcome: Outcome;
}

/** The numbers of a report that can be added up. */
export const COLUMNS = [
  ['rounds', 'rounds'],
  ['accepted', 'accepted'],
  ['delivered', 'delivered'],
  ['handled', 'handled'],
  ['lost', 'lost'],
  ['reordered', 'reordered'],
  ['changed', 'changed'],
  ['repeated', 'repeatedAfterDedup'],
  ['on wire twice', 'duplicatesOnWire'],
  ['dead-lettered', 'deadLettered'],
  ['dropped', 'dropped'],
  ['seconds', 'seconds'],
] as const satisfies readonly (readonly [string, keyof FaultReport])[];

export type Totals = Readonly<Record<(typeof COLUMNS)[number][1], number>>;

export function totalsOf(rows: readonly SummaryRow[]): Totals {
  const sum = (field: keyof Totals) =>
    Math.round(rows.reduce((total, { report }) => total + (report[field] ?? 0), 0) * 10) / 10;
  return Object.fromEntries(COLUMNS.map(([, field]) => [field, sum(field)])) as Totals;
}

/** The summary as lines of text. */
export function tableOf(rows: readonly SummaryRow[]): string[] {
  const heads = ['', 'fault', ...COLUMNS.map(([head]) => head)];
  const numbers = (report: Totals | FaultReport) => COLUMNS.map(([, field]) => String(report[field] ?? '-'));
  const body = rows.map(({ report, outcome }) => [
    outcome === 'passed' ? 'ok' : outcome.toUpperCase(),
    report.name,
    ...numbers(report),
  ]);
  const all = [heads, ...body, ['', 'in total', ...numbers(totalsOf(rows))]];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  const rule = '-'.repeat(line(heads).length);
  return [line(heads), rule, ...body.map(line), rule, line(all.at(-1)!)];
}

import type { Finding } from './findings.js';

/** How a fault ended, in numbers. */
export interface FaultReport {
  /** What was done, in a few words; one row of the summary. */
  readonly name: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Obligations: `publish()` resolved, or a 202 came. QoS 0 is none. */
  readonly accepted: number;
  /** Obligations that arrived on shore. */
  readonly delivered: number;
  /** Changes that the attached receiver handled; undefined where none was attached. */
  readonly handled?: number | undefined;
  /** Obligations that neither arrived nor are accounted for. */
  readonly lost: number;
  /** First arrivals that came after a later one of their entity type and key. */
  readonly reordered: number;
  /** Arrived with another content, entity type or sequence than was accepted. */
  readonly changed: number;
  /** The same change under another message id: what no receiver can remove. */
  readonly repeatedAfterDedup: number;
  /** The same message id again: what MQTT allows after a cut, and the receiver removes. */
  readonly duplicatesOnWire: number;
  /** Obligations dropped, with a reason, and not delivered. */
  readonly dropped: number;
  /** Obligations set aside as dead letters and not delivered. */
  readonly deadLettered: number;
  /** Arrived without an obligation: stored, but the process died before it could say so. */
  readonly unpromised: number;
  /** How many were dropped or dead-lettered for which reason. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** Anything worth a line in the summary, e.g. what a round really hit. */
  readonly notes: readonly string[];
}

/** A report of a fault in which no messages play a part. */
export function reportWithoutMessages(
  name: string,
  rounds: number,
  seconds: number,
  notes: string[] = [],
): FaultReport {
  return {
    ...{ name, rounds, seconds, notes, reasons: {}, findings: [] },
    ...{ accepted: 0, delivered: 0, lost: 0, reordered: 0, changed: 0, repeatedAfterDedup: 0, duplicatesOnWire: 0 },
    ...{ dropped: 0, deadLettered: 0, unpromised: 0 },
  };
}

/**
 * Fails unless every obligation is accounted for and nothing else is wrong.
 * @throws {Error} with every finding and its first examples.
 */
export function expectBalanced(report: FaultReport): void {
  if (report.findings.length === 0) return;
  const lines = report.findings.map(
    ({ kind, count, examples }) => `${count} x ${kind}\n${examples.map((example) => `    ${example}`).join('\n')}`,
  );
  throw new Error(`"${report.name}" does not balance (${report.accepted} accepted):\n${lines.join('\n')}`);
}

const ADDED = [
  ...(['rounds', 'accepted', 'delivered', 'lost', 'reordered', 'changed', 'repeatedAfterDedup'] as const),
  ...(['duplicatesOnWire', 'dropped', 'deadLettered', 'unpromised'] as const),
];

/** Several reports of what ran at the same time, as one row of the summary. */
export function sumOf(name: string, reports: readonly FaultReport[], notes: readonly string[] = []): FaultReport {
  const sums = Object.fromEntries(
    ADDED.map((field) => [field, reports.reduce((sum, report) => sum + report[field], 0)]),
  ) as Pick<FaultReport, (typeof ADDED)[number]>;
  const reasons: Record<string, number> = {};
  for (const report of reports)
    for (const [reason, count] of Object.entries(report.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
  const seconds = Math.max(...reports.map((report) => report.seconds));
  const findings = reports.flatMap((report) => report.findings);
  return { name, ...sums, seconds, reasons, findings, notes };
}

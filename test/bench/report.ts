import type { Conditions } from './conditions.js';
import { CONTENDER_TITLES } from './contenders.js';
import type { Measure } from './measures.js';
import { PROFILE_TABLE } from './profiles.js';
import { groupBy, type Row } from './results.js';
import type { Metric } from './run.js';
import type { Summary } from './statistics.js';

/** How a metric is shown: its heading, and decimals. */
const COLUMNS: Readonly<Record<Metric, readonly [heading: string, decimals: number]>> = {
  perSecond: ['msg/s', 0],
  seconds: ['s', 2],
  secondsPer10000: ['s per 10,000', 2],
  endToBeginning: ['end / beginning', 2],
  cpuUsPerMessage: ['CPU us/msg', 1],
  feederCpuUsPerMessage: ['feeder us/msg', 1],
  bytesPerSecond: ['bytes/s', 0],
  roundTripMs: ['round trip ms', 1],
  bytesPerMessage: ['bytes/msg', 2],
  firstDeliveryMs: ['first delivery ms', 0],
  loopDelayP99Ms: ['loop p99 ms', 1],
  idleLoopDelayP99Ms: ['idle p99 ms', 1],
  listeningMs: ['listening ms', 0],
  healthMs: ['health p99 ms', 2],
  qos1AcknowledgedMs: ['QoS 1 acknowledged ms', 0],
  qos2AtSubscriberMs: ['QoS 2 on shore ms', 0],
  qos2CompleteMs: ['QoS 2 complete ms', 0],
  anonymousMiB: ['anon MiB', 0],
  mappedMiB: ['mapped MiB', 0],
};

const NOTE = `Median [smallest .. largest]. (n): only n messages were sent; what is per message or per 10,000 is scaled.
A measure that compares two contenders is the median of the ratios of each round, and judged by it. (of medians): one of
the two was measured only once, so the medians are compared.`;

/** The results for people. */
export function renderReport(conditions: Conditions, rows: readonly Row[], measures: readonly Measure[]): string {
  const groups = groupBy(rows, ({ scenario, profile }) => `${scenario}, ${PROFILE_TABLE[profile].title}`);
  const tables = [...groups].map(([title, group]) => `${title}\n${renderRows(group)}`);
  const head = Object.entries(conditions).map(([name, value]) => `${name}: ${String(value)}`);
  return [head.join('\n'), NOTE, ...tables, renderMeasures(measures)].join('\n\n') + '\n';
}

/** The aims, and what came of them. */
export function renderMeasures(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => [
    measure.name,
    'atLeast' in measure.aim ? `>= ${measure.aim.atLeast}` : `<= ${measure.aim.atMost}`,
    renderValue(measure),
    measure.verdict,
  ]);
  return renderTable([['measure', 'aim', 'value', ''], ...rows]);
}

function renderValue({ value, spread, basis }: Measure): string {
  if (value === undefined) return '-';
  if (spread) return renderSummary({ median: value, ...spread }, 2);
  return basis === 'medians' ? `${value.toFixed(2)} (of medians)` : value.toFixed(2);
}

function renderRows(rows: readonly Row[]): string {
  const metrics = (Object.keys(COLUMNS) as Metric[]).filter((metric) => rows.some((row) => row.metrics[metric]));
  const heading = ['contender', ...metrics.map((metric) => COLUMNS[metric][0])];
  const body = rows.map((row) => [
    nameOf(row),
    ...metrics.map((metric) => renderSummary(row.metrics[metric], COLUMNS[metric][1])),
  ]);
  return renderTable([heading, ...body]);
}

function nameOf({ contender, variant, scaledFromMessages }: Row): string {
  const title = contender === undefined ? 'the link' : CONTENDER_TITLES[contender];
  const parts = [title, ...(variant === undefined ? [] : [variant])].join(', ');
  return scaledFromMessages === undefined ? parts : `${parts} (${scaledFromMessages})`;
}

function renderSummary(summary: Summary | undefined, decimals: number): string {
  if (!summary) return '';
  const [middle, min, max] = [summary.median, summary.min, summary.max].map((value) => value.toFixed(decimals));
  return summary.samples === 1 ? middle! : `${middle} [${min} .. ${max}]`;
}

/** Columns as wide as their widest cell. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}

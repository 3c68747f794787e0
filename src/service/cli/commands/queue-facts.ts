import { LANES } from '../../../mqtt-sync/wire/lanes.js';
import type { OperatorView } from '../../operator/operator-view.js';
import { formatBytes, formatCount, formatDuration, formatNumber } from '../format.js';
import type { QueueSummary, StoppedQueueDocument } from '../target/queue-target.js';

/** A label and what it says. */
export type Fact = readonly [label: string, text: string];

/** What tells whether the queue of a running service is open. */
interface OpenableView {
  readonly health: Pick<OperatorView['health'], 'reasons'>;
  readonly queue: Pick<OperatorView['queue'], 'open'>;
}

const SYNC_OFF = 'not in use: sync is off';

/** Whether it is what the folder of a stopped service knows. */
export function isStopped(summary: QueueSummary): summary is StoppedQueueDocument {
  return 'state' in summary;
}

/** Why nobody knows what is in the queue: it was not opened. Undefined when it was. */
export function whyUnknown({ health, queue }: OpenableView): string | undefined {
  if (health.reasons.includes('local_mode_off')) return SYNC_OFF;
  return queue.open ? undefined : 'unknown: the queue is not open';
}

/** How full the queue is, in one line. */
export function describeWaiting(summary: QueueSummary): string {
  const unknown = unknownIn(summary);
  if (unknown === SYNC_OFF) return `${SYNC_OFF} (LOCAL_MODE is false), so changes are neither stored nor sent`;
  if (unknown !== undefined) return unknown;
  const { messages, bytes, oldestAgeS } = summary.queue;
  const inMemory = !isStopped(summary) && !summary.queue.durable ? ['in memory, lost with a restart'] : [];
  if (messages === 0) return ['empty', ...inMemory].join(', ');
  const parts = [`${formatCount(messages, 'message')}, ${formatBytes(bytes)}, oldest ${formatDuration(oldestAgeS)}`];
  if (!isStopped(summary)) {
    parts.push(`${formatNumber(summary.queue.inFlight)} in flight`, `${summary.queue.utilizationPercent} % full`);
  }
  return [...parts, ...inMemory].join(', ');
}

/** What the other side does not know to be lost, in one line. */
export function describeGaps(summary: QueueSummary): string {
  const unknown = unknownIn(summary);
  if (unknown !== undefined) return unknown;
  const { untold, ranges } = summary.gaps;
  if (untold === 0) return 'none';
  const shown = ranges.slice(0, 3).map(({ entity, from, to, reason }) => `${entity} ${from}-${to} ${reason}`);
  const more = ranges.length > shown.length ? ', ...' : '';
  return `${formatNumber(untold)} not told yet: ${shown.join(', ')}${more}`;
}

/** What is kept of messages that the broker will never take, in one line. */
export function describeDeadLetters(summary: QueueSummary): string {
  const unknown = unknownIn(summary);
  if (unknown !== undefined) return unknown;
  const { deadLetters } = summary.queue;
  return deadLetters === 0 ? 'none' : `${formatNumber(deadLetters)} (see: arus-mqtt-sync dead list)`;
}

/** Rows of a table of the lanes. */
export function laneRows(summary: QueueSummary): (string | number)[][] {
  if (unknownIn(summary) !== undefined) return LANES.map((lane) => [lane, '-', '-', '-']);
  return LANES.map((lane) => {
    const { messages, bytes, oldestAgeS } = summary.queue.lanes[lane];
    return [lane, messages, formatBytes(bytes), messages === 0 ? '-' : formatDuration(oldestAgeS)];
  });
}

/** A folder is open while it is asked. */
function unknownIn(summary: QueueSummary): string | undefined {
  return isStopped(summary) ? undefined : whyUnknown(summary);
}

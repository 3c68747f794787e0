import { LANES } from '../../../mqtt-sync/wire/lanes.js';
import { formatBytes, formatCount, formatDuration, formatNumber } from '../format.js';
import type { QueueSummary, StoppedQueueDocument } from '../target/queue-target.js';

/** A label and what it says. */
export type Fact = readonly [label: string, text: string];

/** Whether it is what the folder of a stopped service knows. */
export function isStopped(summary: QueueSummary): summary is StoppedQueueDocument {
  return 'state' in summary;
}

/** How full the queue is, in one line. */
export function describeWaiting(summary: QueueSummary): string {
  const { messages, bytes, oldestAgeS } = summary.queue;
  // Nothing was opened: what the store is, and what is in it, nobody has looked.
  if (!isStopped(summary) && summary.health.reasons.includes('local_mode_off')) {
    return 'not in use: sync is off (LOCAL_MODE is false), so changes are neither stored nor sent';
  }
  const inMemory = !isStopped(summary) && !summary.queue.durable ? ['in memory, lost with a restart'] : [];
  if (messages === 0) return ['empty', ...inMemory].join(', ');
  const parts = [`${formatCount(messages, 'message')}, ${formatBytes(bytes)}, oldest ${formatDuration(oldestAgeS)}`];
  if (!isStopped(summary)) {
    parts.push(`${formatNumber(summary.queue.inFlight)} in flight`, `${summary.queue.utilizationPercent} % full`);
  }
  return [...parts, ...inMemory].join(', ');
}

/** What the other side does not know to be lost, in one line. */
export function describeGaps({ gaps: { untold, ranges } }: QueueSummary): string {
  if (untold === 0) return 'none';
  const shown = ranges.slice(0, 3).map(({ entity, from, to, reason }) => `${entity} ${from}-${to} ${reason}`);
  const more = ranges.length > shown.length ? ', ...' : '';
  return `${formatNumber(untold)} not told yet: ${shown.join(', ')}${more}`;
}

/** What is kept of messages that the broker will never take, in one line. */
export function describeDeadLetters({ queue: { deadLetters } }: QueueSummary): string {
  return deadLetters === 0 ? 'none' : `${formatNumber(deadLetters)} (see: arus-mqtt-sync dead list)`;
}

/** Rows of a table of the lanes. */
export function laneRows({ queue }: QueueSummary): (string | number)[][] {
  return LANES.map((lane) => {
    const { messages, bytes, oldestAgeS } = queue.lanes[lane];
    return [lane, messages, formatBytes(bytes), messages === 0 ? '-' : formatDuration(oldestAgeS)];
  });
}

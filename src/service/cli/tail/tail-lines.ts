import type { OperatorView } from '../../operator/operator-view.js';
import { whyUnknown } from '../commands/queue-facts.js';
import { formatCount, formatNumber } from '../format.js';

/** What the stream has told so far. */
export type TailView = Pick<OperatorView, 'service' | 'health' | 'connection' | 'queue' | 'counts' | 'gaps'>;

/** What is going on at the beginning, in lines for people. */
export function describeStart(view: TailView): string[] {
  return [`${view.service.vesselId} ${healthOf(view)}`, connectionOf(view), waitingIn(view)];
}

/** What has changed from one view to the next, in lines for people. */
export function describeChange(before: TailView, after: TailView): string[] {
  const lines: string[] = [];
  if (healthOf(before) !== healthOf(after)) lines.push(healthOf(after));
  if (connectionOf(before) !== connectionOf(after)) lines.push(connectionOf(after));
  const flow = flowOf(before, after);
  if (flow !== undefined) lines.push(flow);
  const grown = after.counts.dropped - before.counts.dropped;
  if (grown > 0) lines.push(`${formatCount(grown, 'message')} dropped`);
  if (after.queue.deadLetters !== before.queue.deadLetters) {
    lines.push(`${formatCount(after.queue.deadLetters, 'dead letter')}, before ${before.queue.deadLetters}`);
  }
  if (after.gaps.untold !== before.gaps.untold) {
    lines.push(`${formatCount(after.gaps.untold, 'gap')} not told yet, before ${before.gaps.untold}`);
  }
  return lines;
}

function waitingIn(view: TailView): string {
  const unknown = whyUnknown(view);
  if (unknown !== undefined) return `what waits is ${unknown}`;
  const { queue, gaps } = view;
  return (
    `${formatCount(queue.messages, 'message')} waiting, ${formatCount(queue.deadLetters, 'dead letter')}, ` +
    `${formatCount(gaps.untold, 'gap')} not told yet`
  );
}

/** Messages that moved; undefined where none did. */
function flowOf(before: TailView, after: TailView): string | undefined {
  const delivered = after.counts.delivered - before.counts.delivered;
  const { messages, inFlight } = after.queue;
  if (delivered === 0 && messages === before.queue.messages) return undefined;
  const gone = delivered > 0 ? `${formatNumber(delivered)} delivered, ` : '';
  return `${gone}${formatNumber(messages)} waiting (${formatNumber(inFlight)} in flight)`;
}

function healthOf({ health: { status, reasons } }: TailView): string {
  return reasons.length === 0 ? status : `${status}: ${reasons.join(', ')}`;
}

function connectionOf({ connection }: TailView): string {
  const { connected, broker, protocol, lastFailure } = connection;
  if (connected) return `connected to ${broker}${protocol === undefined ? '' : `, MQTT ${protocol}`}`;
  return `not connected to ${broker}${lastFailure === undefined ? '' : `: ${lastFailure}`}`;
}

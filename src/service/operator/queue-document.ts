import { LANES, type Lane } from '../../mqtt-sync/wire/lanes.js';
import type { LaneView, OperatorView } from './operator-view.js';
import { withAge } from './queue-numbers.js';

/** A lane with the age of its oldest message, so that a reader needs no clock. */
export interface AgedLane extends LaneView {
  /** Seconds; 0 when the lane is empty. */
  readonly oldestAgeS: number;
}

/** Answer of `GET .../queue`. */
export interface QueueDocument extends Omit<OperatorView, 'queue' | 'flow'> {
  readonly timestamp: string;
  readonly queue: Omit<OperatorView['queue'], 'lanes'> & {
    readonly oldestAgeS: number;
    readonly lanes: Readonly<Record<Lane, AgedLane>>;
  };
  readonly lastDelivery?: OperatorView['flow']['lastDelivery'];
  readonly lastLossAt?: OperatorView['flow']['lastLossAt'];
}

/** The view as one document, at a time. */
export function queueDocument({ queue, flow, ...view }: OperatorView, nowMs: number): QueueDocument {
  const aged = LANES.map((lane) => [lane, withAge(queue.lanes[lane], nowMs)]);
  const lanes = Object.fromEntries(aged) as Record<Lane, AgedLane>;
  return {
    timestamp: new Date(nowMs).toISOString(),
    ...view,
    queue: { ...withAge(queue, nowMs), lanes },
    ...(flow.lastDelivery && { lastDelivery: flow.lastDelivery }),
    ...(flow.lastLossAt && { lastLossAt: flow.lastLossAt }),
  };
}

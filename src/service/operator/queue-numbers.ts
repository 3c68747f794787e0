import type { LaneStats, SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import type { LaneView, OperatorView } from './operator-view.js';

/** As many ranges of gaps are shown; more is for the log and the metrics. */
const SHOWN_RANGES = 20;

export function toLaneView({ messages, bytes, oldestAcceptedAtMs }: LaneStats): LaneView {
  const time = oldestAcceptedAtMs === undefined ? {} : { oldestAcceptedAt: new Date(oldestAcceptedAtMs).toISOString() };
  return { messages, bytes, ...time };
}

/** Adds the age of the oldest message at a time, in seconds; 0 when there is none. */
export function withAge<Aged extends Pick<LaneView, 'oldestAcceptedAt'>>(
  aged: Aged,
  nowMs: number,
): Aged & { readonly oldestAgeS: number } {
  const { oldestAcceptedAt } = aged;
  return { ...aged, oldestAgeS: oldestAcceptedAt === undefined ? 0 : ageS(oldestAcceptedAt, nowMs) };
}

/** The first of the gaps that the other side does not know of. */
export function shownRanges(gaps: ReturnType<SyncQueue['gaps']>): OperatorView['gaps']['ranges'] {
  const ranges = [...gaps].flatMap(([entity, list]) =>
    list.slice(0, SHOWN_RANGES).map((range) => ({ entity, ...range })),
  );
  return ranges.slice(0, SHOWN_RANGES);
}

function ageS(time: string, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - Date.parse(time)) / 100) / 10);
}

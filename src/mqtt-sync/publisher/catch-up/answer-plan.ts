import type { QueueHistory } from '../../queue/queue-history.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import { clip, countOf, type Span, spansOf, subtractSpans } from '../../wire/spans.js';
import type { CatchUpRequest } from './catch-up-request.js';

/** As much of the journal is looked at in one turn of the event loop. */
const READ_LIMITS = { records: 256, bytes: 1024 * 1024 };

/** What becomes of a request. */
export interface AnswerPlan {
  /** What the journal has of it. */
  readonly kept: readonly Span[];
  /** From where on a source stands in for what is in no place any more; undefined: the journal reaches back far enough. */
  readonly sourceFrom: number | undefined;
  /** Never coming: what was dropped, discarded or damaged, and what is pruned. */
  readonly lost: readonly SequenceRange[];
  /** The request is answered up to this number; what follows has to be asked for again. 0: there is none. */
  readonly upTo: number;
}

/**
 * Looks up what was asked for: sent again is what the journal has; what still waits comes by itself; everything else is lost.
 * @param currentEpoch what was numbered in another one is lost as a whole.
 */
export async function planAnswer(
  request: CatchUpRequest,
  history: QueueHistory,
  currentEpoch: number,
): Promise<AnswerPlan> {
  const { entity, epoch, limit } = request;
  if (epoch !== undefined && epoch !== currentEpoch) return planOtherEpoch(request);
  const newest = history.newest(entity);
  const asked = clip(request.ranges ?? [firstSpan(request, history, newest)], 1, newest);
  const { kept, upTo } = await findKept(entity, asked, limit, history);
  const answered = clip(asked, 1, upTo);
  const holes = subtractSpans(answered, kept);
  const [first, last] = [holes[0], holes.at(-1)];
  const sourceFrom = startsInTime(request, history, newest) ? undefined : 1;
  if (!first || !last) return { kept, sourceFrom, lost: [], upTo };
  const undelivered = await history.undelivered(entity, { from: first.from, to: last.to });
  const gone = subtractSpans(holes, spansOf(undelivered));
  const known = history.losses(entity);
  const pruned = subtractSpans(gone, known);
  const told = known.flatMap((range) =>
    clip(gone, range.from, range.to).map((span) => ({ ...span, reason: range.reason })),
  );
  return { kept, sourceFrom: pruned[0]?.from ?? sourceFrom, lost: inOrder([...told, ...pruned.map(asPruned)]), upTo };
}

/** Nothing is kept of another epoch, and what was asked for by number will never come. */
function planOtherEpoch({ ranges = [] }: CatchUpRequest): AnswerPlan {
  return { kept: [], sourceFrom: ranges[0]?.from ?? 1, lost: ranges.map(asPruned), upTo: ranges.at(-1)?.to ?? 0 };
}

function firstSpan(
  { entity, sinceSequence, sinceTimeMs }: CatchUpRequest,
  history: QueueHistory,
  newest: number,
): Span {
  const bySequence = sinceSequence + 1;
  // Older numbers than the journal has are asked of a source, by the time, but not told as lost: nobody asked for them.
  const byTime = sinceTimeMs === undefined ? 1 : history.sequenceSince(entity, sinceTimeMs);
  return { from: Math.max(bySequence, byTime), to: newest };
}

/** Whether the journal reaches back to the time that was asked for. */
function startsInTime({ entity, ranges, sinceTimeMs }: CatchUpRequest, history: QueueHistory, newest: number): boolean {
  if (ranges || sinceTimeMs === undefined || newest === 0) return true;
  const [oldest] = history.delivered(entity, { from: 1, to: newest }, { records: 1, bytes: 1 });
  return (
    oldest !== undefined && (oldest.sequence === 1 || history.sequenceSince(entity, sinceTimeMs) > oldest.sequence)
  );
}

async function findKept(entity: string, asked: readonly Span[], limit: number, history: QueueHistory) {
  const kept: Span[] = [];
  let left = limit;
  for (const { from, to } of asked) {
    for (let next = from; next <= to;) {
      const found = history.delivered(entity, { from: next, to }, READ_LIMITS).slice(0, left);
      if (found.length === 0) break;
      kept.push(...spansOf(found.map(({ sequence }) => sequence)));
      left -= found.length;
      next = found.at(-1)!.sequence + 1;
      if (left === 0 && (next <= to || to < asked.at(-1)!.to)) return { kept: merge(kept), upTo: next - 1 };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { kept: merge(kept), upTo: asked.at(-1)?.to ?? 0 };
}

/** Spans that were found one after the other. */
function merge(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans) {
    const last = all.at(-1);
    if (last?.to === span.from - 1) all[all.length - 1] = { from: last.from, to: span.to };
    else all.push(span);
  }
  return all;
}

const asPruned = (span: Span): SequenceRange => ({ ...span, reason: 'pruned' });

function inOrder(ranges: readonly SequenceRange[]): SequenceRange[] {
  return [...ranges].sort((a, b) => a.from - b.from);
}

/** How many changes the journal brings. */
export const keptCount = ({ kept }: AnswerPlan): number => countOf(kept);

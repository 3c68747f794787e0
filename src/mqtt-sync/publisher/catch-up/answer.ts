import type { QueueHistory } from '../../queue/queue-history.js';
import type { QueueIdentity } from '../../queue/sync-queue.js';
import type { Clock } from '../../time/clock.js';
import { encodeEnvelope } from '../../wire/envelope.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import { spansOf, subtractSpans } from '../../wire/spans.js';
import type { Topics } from '../../wire/topics.js';
import { type AnswerPlan, keptCount, planAnswer } from './answer-plan.js';
import type { CatchUpRequest } from './catch-up-request.js';
import type { CatchUpSource } from './catch-up-source.js';
import { newMessageId, replayOf, sourceReplay } from './replay.js';

/** The journal is read so much at a time, so that an answer takes little memory however long it is. */
const READ_LIMITS = { records: 64, bytes: 256 * 1024 };
/** Commits take milliseconds, but in a stream of changes there is always another one. */
const SETTLE_WITHIN_MS = 1000;
/** Ranges in one message at most, so that it stays around 15 kB. */
const MAX_RANGES = 200;

/** What an answer is made from. */
export interface AnswerParts {
  readonly identity: QueueIdentity;
  readonly topics: Topics;
  readonly history: QueueHistory;
  readonly clock: Clock;
}

/** A message of an answer. */
export interface AnswerMessage {
  readonly topic: string;
  readonly payload: Buffer;
}

/**
 * The answer to one request, message by message: what a source has in place of what is gone, what the journal has, and at
 * the end what is lost and how far the answer goes. Nothing of it is made before it is asked for.
 */
export async function* answerMessages(
  request: CatchUpRequest,
  parts: AnswerParts,
  source: CatchUpSource | undefined,
  signal: AbortSignal,
): AsyncGenerator<AnswerMessage, void> {
  // What was delivered a moment ago would count as being on its way.
  await Promise.race([parts.history.settled(), new Promise<void>((over) => parts.clock.after(SETTLE_WITHIN_MS, over))]);
  const plan = await planAnswer(request, parts.history, parts.identity.epoch);
  const topic = parts.topics.catchUpOf(request.entity);
  let index = 0;
  const sent = new Set<number>();
  for await (const change of sourceChanges(request, plan, source, signal)) {
    index++;
    if (change.sequence !== undefined) sent.add(change.sequence);
    const place = { request: request.id, index, total: index + keptCount(plan) };
    const payload = sourceReplay(change, request.entity, parts.identity, parts.clock.wallMs(), place);
    yield { topic, payload };
  }
  const total = index + keptCount(plan);
  for (const payload of keptPayloads(request.entity, plan, parts.history)) {
    index++;
    yield { topic, payload: replayOf(payload, { request: request.id, index, total }) };
  }
  yield* endMessages(request, parts, { ...plan, lost: without(plan.lost, sent) }, index);
}

async function* sourceChanges(
  { entity, sinceTimeMs, ranges, limit }: CatchUpRequest,
  { sourceFrom }: AnswerPlan,
  source: CatchUpSource | undefined,
  signal: AbortSignal,
) {
  if (!source || sourceFrom === undefined) return;
  const afterSequence = sourceFrom - 1;
  // By number and not by time: then there is no telling since when, and it is all that the application has.
  const since = ranges === undefined && sinceTimeMs !== undefined ? new Date(sinceTimeMs) : undefined;
  let left = limit;
  for await (const change of source.changes({ entity, afterSequence, since, limit, signal })) {
    if (signal.aborted || left-- === 0) return;
    yield change;
  }
}

function* keptPayloads(entity: string, { kept }: AnswerPlan, history: QueueHistory): Iterable<Buffer> {
  for (const { from, to } of kept) {
    for (let next = from; next <= to;) {
      const found = history.delivered(entity, { from: next, to }, READ_LIMITS);
      // Pruned meanwhile: whoever asks again is told.
      if (found.length === 0) break;
      for (const { payload } of found) yield payload;
      next = found.at(-1)!.sequence + 1;
    }
  }
}

/** Tells what is lost as gaps are told; the last message ends the answer. */
function* endMessages(request: CatchUpRequest, parts: AnswerParts, plan: AnswerPlan, total: number) {
  const { identity, topics, clock, history } = parts;
  const { entity, id, ranges } = request;
  const until = ranges ? (ranges.at(-1)?.to ?? 0) : history.newest(entity);
  const more = plan.upTo < Math.min(until, history.newest(entity));
  for (let at = 0; at === 0 || at < plan.lost.length; at += MAX_RANGES) {
    const isLast = at + MAX_RANGES >= plan.lost.length;
    const payload = encodeEnvelope({
      ...{ type: 'gap', entity, messageId: newMessageId(), vesselId: identity.vesselId },
      epoch: request.epoch ?? identity.epoch,
      timestamp: new Date(clock.wallMs()).toISOString(),
      data: { ranges: plan.lost.slice(at, at + MAX_RANGES) },
      ...(isLast && { answered: { request: id, total, upTo: plan.upTo, more } }),
    });
    yield { topic: topics.gap, payload };
  }
}

/** Ranges without some numbers. */
function without(ranges: readonly SequenceRange[], numbers: ReadonlySet<number>): readonly SequenceRange[] {
  if (numbers.size === 0) return ranges;
  const spans = spansOf(numbers);
  return ranges.flatMap(({ reason, ...span }) => subtractSpans([span], spans).map((rest) => ({ ...rest, reason })));
}

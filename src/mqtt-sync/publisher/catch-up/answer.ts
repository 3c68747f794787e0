import type { QueueHistory } from '../../queue/queue-history.js';
import type { QueueIdentity } from '../../queue/sync-queue.js';
import type { Clock } from '../../time/clock.js';
import { type CatchupEnd, encodeEnvelope } from '../../wire/envelope.js';
import { type SequenceRange, SequenceRanges } from '../../wire/sequence-ranges.js';
import { clip, countOf, type Span, subtractSpans } from '../../wire/spans.js';
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
/** What a source is asked for that may send everything: the largest number that every database takes as a limit. */
const EVERYTHING = 2 ** 31 - 1;

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
  let isCut = false;
  const sent = new SequenceRanges<'sent'>();
  const asOf = parts.history.newest(request.entity);
  for await (const change of sourceChanges(request, plan, source, signal)) {
    isCut = index === request.sourceLimit;
    if (isCut) break;
    index++;
    if (change.sequence !== undefined) sent.add(change.sequence, 'sent');
    const place = { request: request.id, index, total: index + keptCount(plan) };
    const reading = { nowMs: parts.clock.wallMs(), asOf };
    const payload = sourceReplay(change, request.entity, parts.identity, reading, place);
    yield { topic, payload };
  }
  const { kept, lost, upTo } = isCut ? beforeSource(plan) : plan;
  const total = index + countOf(kept);
  for (const payload of keptPayloads(request.entity, kept, parts.history)) {
    index++;
    yield { topic, payload: replayOf(payload, { request: request.id, index, total }) };
  }
  // Where nothing was asked for that there is, no limit can have left anything out.
  const more = isCut || (upTo > 0 && goesOn(request, parts.history, upTo));
  const end = { total: index, upTo, more };
  yield* endMessages(request, parts, without(lost, sent), end);
}

async function* sourceChanges(
  { entity, sinceTimeMs, ranges, sourceLimit }: CatchUpRequest,
  { sourceFrom }: AnswerPlan,
  source: CatchUpSource | undefined,
  signal: AbortSignal,
) {
  if (!source || sourceFrom === undefined) return;
  const afterSequence = sourceFrom - 1;
  // By number and not by time: then there is no telling since when, and it is all that the application has.
  const since = ranges === undefined && sinceTimeMs !== undefined ? new Date(sinceTimeMs) : undefined;
  const limit = sourceLimit === undefined ? EVERYTHING : Math.min(sourceLimit + 1, EVERYTHING);
  for await (const change of source.changes({ entity, afterSequence, since, limit, signal })) {
    if (signal.aborted) return;
    yield change;
  }
}

/**
 * What of a plan is answered when a limit has cut the source: only what lies before its turn. What the source stands in for
 * is not lost, for it had no occasion to send it.
 */
function beforeSource({ kept, lost, sourceFrom = 1 }: AnswerPlan): Pick<AnswerPlan, 'kept' | 'lost' | 'upTo'> {
  const upTo = sourceFrom - 1;
  return { kept: clip(kept, 1, upTo), lost: lost.filter(({ to }) => to <= upTo), upTo };
}

function* keptPayloads(entity: string, kept: readonly Span[], history: QueueHistory): Iterable<Buffer> {
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

/** Whether there is more to ask for. */
function goesOn({ entity, ranges }: CatchUpRequest, history: QueueHistory, upTo: number): boolean {
  const newest = history.newest(entity);
  return upTo < (ranges ? Math.min(ranges.at(-1)?.to ?? 0, newest) : newest);
}

/** Tells what is lost as gaps are told; the last message ends the answer. */
function* endMessages(
  { entity, id, epoch }: CatchUpRequest,
  { identity, topics, clock }: AnswerParts,
  lost: readonly SequenceRange[],
  end: Omit<CatchupEnd, 'request'>,
) {
  for (let at = 0; at === 0 || at < lost.length; at += MAX_RANGES) {
    const isLast = at + MAX_RANGES >= lost.length;
    const payload = encodeEnvelope({
      ...{ type: 'gap', entity, messageId: newMessageId(), vesselId: identity.vesselId },
      epoch: epoch ?? identity.epoch,
      timestamp: new Date(clock.wallMs()).toISOString(),
      data: { ranges: lost.slice(at, at + MAX_RANGES) },
      ...(isLast && { answered: { request: id, ...end } }),
    });
    yield { topic: topics.gap, payload };
  }
}

/** Ranges without some numbers. */
function without(ranges: readonly SequenceRange[], numbers: SequenceRanges<'sent'>): readonly SequenceRange[] {
  if (numbers.isEmpty) return ranges;
  const spans = numbers.toArray();
  return ranges.flatMap(({ reason, ...span }) => subtractSpans([span], spans).map((rest) => ({ ...rest, reason })));
}

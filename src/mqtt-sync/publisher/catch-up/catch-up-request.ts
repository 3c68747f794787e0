import * as z from 'zod';
import { isEntityType } from '../../wire/entity-policies.js';
import type { Span } from '../../wire/spans.js';
import { canBeSentAgain } from '../../wire/topics.js';

/** What a request that asks for a few hundred ranges takes; larger ones are junk. */
const MAX_REQUEST_BYTES = 32 * 1024;
const MAX_RANGES = 500;
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

/** A request to send changes again. */
export interface CatchUpRequest {
  readonly id: string;
  /** Who asks. */
  readonly requester: string;
  readonly entity: string;
  /** Which life of the queue; undefined: the current one. */
  readonly epoch: number | undefined;
  /** What is asked for; undefined: everything after `sinceSequence`, or since `sinceTimeMs`. */
  readonly ranges: readonly Span[] | undefined;
  readonly sinceSequence: number;
  readonly sinceTimeMs: number | undefined;
  /** Changes of the journal at most. */
  readonly limit: number;
  /** Changes of a source at most; undefined: all that it has. */
  readonly sourceLimit: number | undefined;
}

const count = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const name = z.string().min(1).max(128);

const schema = z.object({
  type: z.literal('catchup'),
  entity: z.string().refine((entity) => isEntityType(entity) && canBeSentAgain(entity)),
  // Answers are of the same type, and have a place in one.
  index: z.never().optional(),
  messageId: name,
  vesselId: name,
  data: z.object({
    vesselId: name,
    epoch: count.optional(),
    ranges: z
      .array(z.object({ from: count, to: count }).refine(({ from, to }) => from <= to))
      .max(MAX_RANGES)
      .optional(),
    sinceSequence: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    sinceTime: z.iso.datetime({ offset: true }).optional(),
    limit: count.optional(),
  }),
});

/** Reads a request to `vesselId`; undefined for junk, for one that somebody else is asked, and for one of its own. */
export function readRequest(payload: Buffer, vesselId: string): CatchUpRequest | undefined {
  if (payload.length > MAX_REQUEST_BYTES) return undefined;
  const parsed = schema.safeParse(parse(payload));
  if (!parsed.success || parsed.data.data.vesselId !== vesselId) return undefined;
  const { messageId: id, vesselId: requester, entity, data } = parsed.data;
  if (requester === vesselId) return undefined;
  return {
    ...{ id, requester, entity },
    epoch: data.epoch,
    ranges: data.ranges && merged(data.ranges),
    sinceSequence: data.sinceSequence ?? 0,
    sinceTimeMs: data.sinceTime === undefined ? undefined : Date.parse(data.sinceTime),
    limit: Math.min(data.limit ?? DEFAULT_LIMIT, MAX_LIMIT),
    // Who asks goes on in the journal by number. A source has no place to go on from, and is read one by one.
    sourceLimit: data.limit,
  };
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** In order, and without overlap: no number is sent twice. */
function merged(ranges: readonly Span[]): Span[] {
  const spans: Span[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last && from <= last.to + 1) spans[spans.length - 1] = { from: last.from, to: Math.max(last.to, to) };
    else spans.push({ from, to });
  }
  return spans;
}

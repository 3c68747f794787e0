import { isEntityType } from './entity-policies.js';
import type { CatchupEnd } from './envelope.js';
import type { StreamId } from './incoming-change.js';
import { isFields, parseFields } from './json-fields.js';
import { GAP_REASONS, type GapReason, type SequenceRange } from './sequence-ranges.js';

/** What another vessel says it will never send. */
export interface ToldGap {
  readonly stream: StreamId;
  readonly ranges: readonly SequenceRange[];
  /** Set when it ends the answer to a request for catch-up. */
  readonly answered: CatchupEnd | undefined;
}

/** Ten times as many as a vessel tells at once. */
const MAX_RANGES = 10_000;

/** Understands a gap message; undefined when it is none, or larger than `maxBytes`. A reason that this version does not know counts as `dropped`. */
export function decodeGap(payload: Buffer, maxBytes = Infinity): ToldGap | undefined {
  if (payload.length > maxBytes) return undefined;
  const envelope = parseFields(payload);
  if (envelope?.['type'] !== 'gap') return undefined;
  const { vesselId, epoch, entity, data } = envelope;
  if (typeof vesselId !== 'string' || typeof entity !== 'string' || !isEntityType(entity) || !isCount(epoch)) {
    return undefined;
  }
  const ranges: unknown = isFields(data) ? data['ranges'] : undefined;
  if (!Array.isArray(ranges) || ranges.length > MAX_RANGES) return undefined;
  const understood = ranges.map((range: unknown) => rangeOf(range));
  if (understood.includes(undefined)) return undefined;
  const answered = endOf(envelope['answered']);
  return { stream: { vesselId, epoch, entity }, ranges: understood as SequenceRange[], answered };
}

function rangeOf(range: unknown): SequenceRange | undefined {
  if (!isFields(range)) return undefined;
  const { from, to, reason } = range;
  if (!isCount(from) || !isCount(to) || from > to) return undefined;
  return { from, to, reason: (GAP_REASONS as readonly unknown[]).includes(reason) ? (reason as GapReason) : 'dropped' };
}

function endOf(value: unknown): CatchupEnd | undefined {
  if (!isFields(value)) return undefined;
  const { request, total, upTo, more } = value;
  if (typeof request !== 'string' || typeof more !== 'boolean') return undefined;
  if (!(total === 0 || isCount(total)) || !(upTo === 0 || isCount(upTo))) return undefined;
  return { request, total, upTo, more };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

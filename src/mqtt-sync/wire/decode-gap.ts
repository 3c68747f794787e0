import { isEntityType } from './entity-policies.js';
import { type StreamId } from './incoming-change.js';
import { GAP_REASONS, type GapReason, type SequenceRange } from './sequence-ranges.js';

/** What another vessel says it will never send. */
export interface ToldGap {
  readonly stream: StreamId;
  readonly ranges: readonly SequenceRange[];
}

/** Ten times as many as a vessel tells at once. */
const MAX_RANGES = 10_000;

type Fields = Readonly<Record<string, unknown>>;

/** Understands a gap message; undefined when it is none. A reason that this version does not know counts as `dropped`. */
export function decodeGap(payload: Buffer): ToldGap | undefined {
  const envelope = parse(payload);
  if (envelope?.['type'] !== 'gap') return undefined;
  const { vesselId, epoch, entity, data } = envelope;
  if (typeof vesselId !== 'string' || typeof entity !== 'string' || !isEntityType(entity) || !isCount(epoch)) {
    return undefined;
  }
  const ranges: unknown = isFields(data) ? data['ranges'] : undefined;
  if (!Array.isArray(ranges) || ranges.length > MAX_RANGES) return undefined;
  const understood = ranges.map((range: unknown) => rangeOf(range));
  if (understood.includes(undefined)) return undefined;
  return { stream: { vesselId, epoch, entity }, ranges: understood as SequenceRange[] };
}

function rangeOf(range: unknown): SequenceRange | undefined {
  if (!isFields(range)) return undefined;
  const { from, to, reason } = range;
  if (!isCount(from) || !isCount(to) || from > to) return undefined;
  return { from, to, reason: (GAP_REASONS as readonly unknown[]).includes(reason) ? (reason as GapReason) : 'dropped' };
}

function parse(payload: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString());
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

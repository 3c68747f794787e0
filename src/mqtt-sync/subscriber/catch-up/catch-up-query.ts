import * as z from 'zod';
import { CatchUpInvalidError } from '../../errors.js';
import { isEntityType } from '../../wire/entity-policies.js';
import type { Range } from '../../wire/sequence-ranges.js';
import { canBeSentAgain } from '../../wire/topics.js';

/** What is asked for: some ranges, or everything after a sequence or since a time; without any of them, everything. */
export interface CatchUpQuery {
  /** Whose changes. */
  readonly vesselId: string;
  readonly entity: string;
  /** Of which life of its queue. @default the current one */
  readonly epoch?: number;
  /** Only these sequence numbers; as many ranges as there are. */
  readonly ranges?: readonly Range[];
  /** Everything that has a higher sequence. */
  readonly sinceSequence?: number;
  /** Everything that was accepted since then; as text ISO 8601 with its offset. */
  readonly sinceTime?: Date | string;
  /** Changes at most. @default all of them */
  readonly limit?: number;
}

const count = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

const schema = z
  .strictObject({
    vesselId: z.string().min(1).max(128),
    entity: z
      .string()
      .refine(isEntityType, 'expected an entity type: [a-z][a-z0-9_]{0,63}, not system or catchup')
      .refine(canBeSentAgain, 'changes of this entity type cannot be sent again: requests come in on that topic'),
    epoch: count.optional(),
    ranges: z
      .array(z.strictObject({ from: count, to: count }).refine(({ from, to }) => from <= to, 'from is above to'))
      .min(1)
      .max(10_000)
      .optional(),
    sinceSequence: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    sinceTime: z.union([z.iso.datetime({ offset: true }), z.date().transform((date) => date.toISOString())]).optional(),
    limit: count.optional(),
  })
  .refine(
    ({ ranges, sinceSequence, sinceTime }) => !ranges || (sinceSequence === undefined && sinceTime === undefined),
    'give ranges, or sinceSequence or sinceTime, not both',
  );

/** A query as it was checked. */
export type CheckedQuery = Omit<CatchUpQuery, 'sinceTime'> & { readonly sinceTime?: string };

/**
 * Checks what is asked for.
 * @throws {CatchUpInvalidError} says what is wrong, and where.
 */
export function checkQuery(query: unknown): CheckedQuery {
  const parsed = schema.safeParse(query);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'request'}: ${message}`);
    throw new CatchUpInvalidError(`Cannot ask for this: ${faults.slice(0, 10).join('; ')}.`);
  }
  const { ranges, ...rest } = parsed.data;
  return { ...rest, ...(ranges && { ranges: [...ranges].sort((a, b) => a.from - b.from) }) } as CheckedQuery;
}

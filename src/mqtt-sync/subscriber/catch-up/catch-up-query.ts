import * as z from 'zod';
import { CatchUpInvalidError } from '../../errors.js';
import { ENTITY_TYPE_FORM, isEntityType } from '../../wire/entity-policies.js';
import type { Range } from '../../wire/sequence-ranges.js';
import { canBeSentAgain } from '../../wire/topics.js';
import { isVesselId, VESSEL_ID_FORM } from '../../wire/vessel-id.js';

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

/** What is wrong with a field, to be read behind its name. */
const mustBe = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (input === undefined ? 'is missing' : `must be ${what}`),
});

const wholeNumber = (from: number) =>
  z.int(mustBe(`a whole number from ${from} on`)).min(from, mustBe(`a whole number from ${from} on`));

const text = (what: string) => z.string(mustBe(what));

/** An object with these fields and no others. */
const objectOf = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return mustBe('an object').error(issue);
      const [unknown = ''] = issue.keys;
      return `has an unknown field ${JSON.stringify(unknown.slice(0, 40))}; known are ${Object.keys(shape).join(', ')}`;
    },
  });

const MOST_RANGES = 10_000;
const aListOfRanges = mustBe(`a list of 1 to ${MOST_RANGES} ranges`);
const aTime = mustBe('a time: ISO 8601 with its offset, such as 2026-11-24T03:00:00Z');

const schema = objectOf({
  vesselId: text('the id of a vessel').refine(isVesselId, `must be ${VESSEL_ID_FORM}`),
  entity: text('an entity type')
    .refine(isEntityType, `must be an entity type: ${ENTITY_TYPE_FORM}`)
    .refine(canBeSentAgain, 'is no type whose changes can be sent again: requests come in on that topic'),
  epoch: wholeNumber(1).optional(),
  ranges: z
    .array(
      objectOf({ from: wholeNumber(1), to: wholeNumber(1) }).refine(
        ({ from, to }) => from <= to,
        'has its from above its to',
      ),
      aListOfRanges,
    )
    .min(1, aListOfRanges)
    .max(MOST_RANGES, aListOfRanges)
    .optional(),
  sinceSequence: wholeNumber(0).optional(),
  sinceTime: z
    .union([z.iso.datetime({ offset: true, ...aTime }), z.date().transform((date) => date.toISOString())], aTime)
    .optional(),
  limit: wholeNumber(1).optional(),
}).refine(
  ({ ranges, sinceSequence, sinceTime }) => !ranges || (sinceSequence === undefined && sinceTime === undefined),
  'must have ranges, or sinceSequence or sinceTime, not both',
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
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the request'} ${message}`);
    throw new CatchUpInvalidError(`Cannot ask for this: ${faults.slice(0, 10).join('; ')}.`);
  }
  const { ranges, ...rest } = parsed.data;
  return { ...rest, ...(ranges && { ranges: [...ranges].sort((a, b) => a.from - b.from) }) } as CheckedQuery;
}

import { describe, expect, it } from 'vitest';
import { CatchUpInvalidError } from '../../errors.js';
import { checkQuery } from './catch-up-query.js';

const QUERY = { vesselId: 'mv-aurora', entity: 'crew' };

function refusalOf(query: unknown): string {
  try {
    checkQuery(query);
  } catch (error) {
    expect(error).toBeInstanceOf(CatchUpInvalidError);
    return (error as Error).message;
  }
  throw new Error('The query was accepted.');
}

describe('what is asked for again', () => {
  it.each([
    [{}, 'vesselId is missing; entity is missing'],
    [{ ...QUERY, vesselId: 7 }, 'vesselId must be the id of a vessel'],
    // No vessel can be called so, and none would ever answer.
    [{ ...QUERY, vesselId: 'offi ce' }, 'vesselId must be 1 to 64 letters, digits, dots, dashes or underscores'],
    [{ ...QUERY, vesselId: 'x'.repeat(65) }, 'vesselId must be 1 to 64 letters, digits, dots, dashes or underscores'],
    [{ ...QUERY, entity: 'ZZ' }, 'entity must be an entity type: [a-z][a-z0-9_]{0,63}, not system or catchup'],
    [
      { ...QUERY, entity: 'request' },
      'entity is no type whose changes can be sent again: requests come in on that topic',
    ],
    [{ ...QUERY, limit: 0 }, 'limit must be a whole number from 1 on'],
    [{ ...QUERY, limit: 1.5 }, 'limit must be a whole number from 1 on'],
    [{ ...QUERY, sinceSequence: -1 }, 'sinceSequence must be a whole number from 0 on'],
    [{ ...QUERY, epoch: '7' }, 'epoch must be a whole number from 1 on'],
    [{ ...QUERY, ranges: [] }, 'ranges must be a list of 1 to 10000 ranges'],
    [{ ...QUERY, ranges: 'all' }, 'ranges must be a list of 1 to 10000 ranges'],
    [{ ...QUERY, ranges: [{ from: 2, to: 1 }] }, 'ranges.0 has its from above its to'],
    [{ ...QUERY, ranges: [{ from: 2 }] }, 'ranges.0.to is missing'],
    [{ ...QUERY, ranges: [7] }, 'ranges.0 must be an object'],
    [
      { ...QUERY, sinceTime: 'yesterday' },
      'sinceTime must be a time: ISO 8601 with its offset, such as 2026-11-24T03:00:00Z',
    ],
    [
      { ...QUERY, colour: 'blue' },
      'the request has an unknown field "colour"; known are vesselId, entity, epoch, ranges, sinceSequence, sinceTime, limit',
    ],
    [
      { ...QUERY, ranges: [{ from: 1, to: 1 }], sinceSequence: 1 },
      'the request must have ranges, or sinceSequence or sinceTime, not both',
    ],
    ['all', 'the request must be an object'],
    [undefined, 'the request is missing'],
  ])('is, as %j, refused in our own words', (query, why) => {
    expect(refusalOf(query)).toBe(`Cannot ask for this: ${why}.`);
  });

  it('is a time as text or as a date, and ranges in order', () => {
    const sinceTime = '2026-11-24T03:00:00.000Z';
    expect(checkQuery({ ...QUERY, sinceTime: new Date(sinceTime) })).toEqual({ ...QUERY, sinceTime });
    expect(checkQuery({ ...QUERY, sinceTime, limit: 1 })).toEqual({ ...QUERY, sinceTime, limit: 1 });
    const [first, second] = [
      { from: 1, to: 1 },
      { from: 5, to: 9 },
    ];
    expect(checkQuery({ ...QUERY, ranges: [second, first] }).ranges).toEqual([first, second]);
  });
});

import { describe, expect, it } from 'vitest';
import { planAnswer } from './answer-plan.js';
import type { CatchUpRequest } from './catch-up-request.js';
import { FakeHistory, span } from './fake-history.js';

const EPOCH = 7;

function plan(history: Partial<FakeHistory>, request: Partial<CatchUpRequest> = {}) {
  const asked = {
    ...{ id: 'ask-1', requester: 'office', entity: 'crew', epoch: undefined, ranges: undefined },
    ...{ sinceSequence: 0, sinceTimeMs: undefined, limit: 1000, sourceLimit: undefined, ...request },
  };
  return planAnswer(asked, Object.assign(new FakeHistory(), history), EPOCH);
}

describe('The plan of an answer', () => {
  it('sends again what is kept, leaves alone what waits, and tells the rest as lost', async () => {
    const history = {
      newestNumber: 10,
      kept: [3, 4, 7],
      waiting: [9, 10],
      lost: [{ from: 5, to: 5, reason: 'dropped' as const }],
    };
    expect(await plan(history)).toEqual({
      kept: [
        { from: 3, to: 4 },
        { from: 7, to: 7 },
      ],
      sourceFrom: 1,
      lost: [
        { from: 1, to: 2, reason: 'pruned' },
        { from: 5, to: 5, reason: 'dropped' },
        { from: 6, to: 6, reason: 'pruned' },
        { from: 8, to: 8, reason: 'pruned' },
      ],
      upTo: 10,
    });
  });

  it('never goes beyond what was numbered, nor outside of what was asked for', async () => {
    const history = { newestNumber: 10, kept: span(1, 10) };
    const ranges = [
      { from: 2, to: 3 },
      { from: 9, to: 50 },
    ];
    expect(await plan(history, { ranges })).toEqual({
      kept: [
        { from: 2, to: 3 },
        { from: 9, to: 10 },
      ],
      ...{ sourceFrom: undefined, lost: [], upTo: 10 },
    });
    expect(await plan(history, { sinceSequence: 10 })).toMatchObject({ kept: [], lost: [] });
    expect(await plan({}, {})).toEqual({ kept: [], sourceFrom: undefined, lost: [], upTo: 0 });
  });

  it('ends at the limit, and says nothing of what lies behind it', async () => {
    const history = { newestNumber: 1000, kept: span(301, 1000) };
    expect(await plan(history, { limit: 300 })).toEqual({
      kept: [{ from: 301, to: 600 }],
      ...{ sourceFrom: 1, lost: [{ from: 1, to: 300, reason: 'pruned' }], upTo: 600 },
    });
  });

  it('reads on where one look at the journal does not show it all', async () => {
    expect(await plan({ newestNumber: 900, kept: span(1, 900) })).toMatchObject({ kept: [{ from: 1, to: 900 }] });
  });

  it('takes everything of another life of the queue for lost', async () => {
    const ranges = [{ from: 4, to: 6 }];
    const history = { newestNumber: 10, kept: span(1, 10) };
    expect(await plan(history, { epoch: 3, ranges })).toEqual({
      ...{ kept: [], sourceFrom: 4, lost: [{ from: 4, to: 6, reason: 'pruned' }], upTo: 6 },
    });
    expect((await plan(history, { epoch: EPOCH, ranges })).kept).toEqual(ranges);
  });

  it('asks a source for what was before the journal, without telling it as lost, when it is asked by time', async () => {
    const byTime = { sinceTimeMs: 1 };
    expect(await plan({ newestNumber: 10, kept: span(5, 10), since: 5 }, byTime)).toMatchObject({
      sourceFrom: 1,
      lost: [],
    });
    expect(await plan({ newestNumber: 10, kept: span(5, 10), since: 7 }, byTime)).toMatchObject({
      ...{ sourceFrom: undefined, lost: [], kept: [{ from: 7, to: 10 }] },
    });
  });
});

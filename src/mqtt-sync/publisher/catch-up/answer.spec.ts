import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../time/fake-clock.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import { Topics } from '../../wire/topics.js';
import { answerMessages } from './answer.js';
import type { CatchUpRequest } from './catch-up-request.js';
import { readRequest } from './catch-up-request.js';
import type { SourceQuery } from './catch-up-source.js';
import { FakeHistory, span } from './fake-history.js';

interface Sent {
  readonly type: string;
  readonly key?: string;
  readonly sequence?: number;
  readonly asOf?: number;
  readonly data?: { readonly ranges?: readonly SequenceRange[] };
  readonly answered?: object;
}

const IDENTITY = { vesselId: 'mv-aurora', epoch: 7 };

function requestOf(data: object): CatchUpRequest {
  const envelope = { type: 'catchup', entity: 'crew', messageId: 'ask-1', vesselId: 'office' };
  const request = readRequest(
    Buffer.from(JSON.stringify({ ...envelope, data: { vesselId: 'mv-aurora', ...data } })),
    'mv-aurora',
  );
  if (!request) throw new Error('That is no request.');
  return request;
}

/** What a vessel answers whose application has so many entities. */
async function answerOf(data: object, entities: number, known: Partial<FakeHistory> = {}, sequence?: number) {
  const history = Object.assign(new FakeHistory(), { newestNumber: 5000 }, known);
  const queries: SourceQuery[] = [];
  let read = 0;
  const numbered = sequence === undefined ? {} : { sequence };
  const source = {
    *changes(query: SourceQuery) {
      queries.push(query);
      for (read = 1; read <= Math.min(entities, query.limit); read++)
        yield { operation: 'update', key: `C-${read}`, timestamp: '2026-01-01T00:00:00Z', ...numbered } as const;
    },
  };
  const parts = { identity: IDENTITY, topics: new Topics('v', 'mv-aurora'), history, clock: new FakeClock() };
  const sent: Sent[] = [];
  for await (const { payload } of answerMessages(requestOf(data), parts, source, new AbortController().signal))
    sent.push(JSON.parse(payload.toString()) as Sent);
  const end = sent.at(-1);
  return { history, queries, replays: sent.slice(0, -1), ranges: end?.data?.ranges, end: end?.answered, read };
}

describe('The answer of a vessel with a source', () => {
  it('brings everything that the source has, unless the request has a limit', async () => {
    const { replays, ranges, end } = await answerOf({}, 3000);
    expect(replays).toHaveLength(3000);
    expect(ranges).toEqual([{ from: 1, to: 5000, reason: 'pruned' }]);
    expect(end).toMatchObject({ total: 3000, upTo: 5000, more: false });
  });

  it('says of each state after which change it was read, and of none that has a number', async () => {
    const states = await answerOf({}, 2);
    expect(states.replays.map(({ sequence, asOf }) => [sequence, asOf])).toEqual([
      [undefined, 5000],
      [undefined, 5000],
    ]);
    const numbered = await answerOf({}, 1, {}, 17);
    expect(numbered.replays.map(({ sequence, asOf }) => [sequence, asOf])).toEqual([[17, undefined]]);
  });

  it('says that there is more, and takes nothing for lost, where a limit has cut the source', async () => {
    const { queries, replays, ranges, end, read } = await answerOf({ limit: 20 }, 3000);
    expect([replays.length, ranges, read]).toEqual([20, [], 21]);
    expect(end).toMatchObject({ total: 20, upTo: 0, more: true });
    expect(queries).toMatchObject([{ limit: 21 }]);
  });

  it('is not cut by a limit that the source just reaches', async () => {
    const { replays, end } = await answerOf({ limit: 20 }, 20);
    expect(replays).toHaveLength(20);
    expect(end).toMatchObject({ total: 20, upTo: 5000, more: false });
  });

  it.each([{ sinceSequence: 5000 }, { ranges: [{ from: 5001, to: 5009 }] }])(
    'says of no more to somebody who has everything: %j',
    async (request) => {
      const { replays, end } = await answerOf(request, 0);
      expect(replays).toEqual([]);
      expect(end).toMatchObject({ total: 0, upTo: 0, more: false });
    },
  );

  it('goes up to where the source was needed, where a limit has cut it', async () => {
    const known = { newestNumber: 40, kept: span(1, 10), lost: [{ from: 11, to: 12, reason: 'dropped' as const }] };
    const { replays, ranges, end } = await answerOf({ limit: 15 }, 3000, known);
    expect(replays.flatMap(({ sequence }) => sequence ?? [])).toEqual(span(1, 10));
    expect(ranges).toEqual([{ from: 11, to: 12, reason: 'dropped' }]);
    expect(end).toMatchObject({ upTo: 12, more: true });
  });
});

import { describe, expect, it } from 'vitest';
import {
  CatchUpAbortedError,
  CatchUpInvalidError,
  CatchUpNotSentError,
  CatchUpTimeoutError,
  NotSubscribedError,
  StoppingError,
} from '../../errors.js';
import { silentLogger } from '../../logger.js';
import { SyncEvents } from '../../sync-events.js';
import { FakeClock } from '../../time/fake-clock.js';
import { type CatchupRequestEnvelope } from '../../wire/envelope.js';
import { type SequenceRange } from '../../wire/sequence-ranges.js';
import { CatchUp } from './catch-up.js';

const CREW = { vesselId: 'mv-aurora', entity: 'crew' };

/** A vessel that is asked, and answers as a test wants. */
function setScene() {
  const clock = new FakeClock();
  const asked: CatchupRequestEnvelope[] = [];
  const topics: string[] = [];
  const scene = { outcome: 'acknowledged' as 'acknowledged' | 'refused' | 'lost' };
  const catchUp = new CatchUp({
    port: {
      vesselId: 'shore',
      send({ topic, payload, settled }) {
        topics.push(topic);
        asked.push(JSON.parse(payload.toString()) as CatchupRequestEnvelope);
        settled(scene.outcome);
      },
    },
    ...{ topicPrefix: 'vessel/sync', isSubscribed: (entity: string) => entity === 'crew' },
    ...{ events: new SyncEvents(silentLogger), clock },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const answer = async (
    end: { total?: number; upTo: number; more?: boolean },
    ranges: readonly SequenceRange[] = [],
    vesselId = 'mv-aurora',
  ) => {
    await turn();
    const answered = { request: asked.at(-1)?.messageId, total: 0, more: false, ...end };
    const envelope = { type: 'gap', entity: 'crew', vesselId, epoch: 7, data: { ranges }, answered };
    const topic = `vessel/sync/system/gap/${vesselId}`;
    await catchUp.receive({ topic, payload: Buffer.from(JSON.stringify(envelope)), qos: 1, retained: false });
    await turn();
  };
  return { clock, asked, topics, scene, catchUp, answer, turn };
}

const singles = (count: number) => Array.from({ length: count }, (_, at) => ({ from: 2 * at + 1, to: 2 * at + 1 }));

describe('CatchUp', () => {
  it('asks on the topic of requests, in the envelope that vessels read', async () => {
    const { catchUp, asked, topics, answer } = setScene();
    const result = catchUp.request({ ...CREW, epoch: 7, ranges: [{ from: 3, to: 5 }] });
    await answer({ total: 2, upTo: 5 }, [{ from: 4, to: 4, reason: 'pruned' }]);
    expect(await result).toEqual({ asked: 1, received: 2, lost: 1, more: false });
    expect(topics).toEqual(['vessel/sync/catchup/request']);
    expect(asked[0]).toMatchObject({
      ...{ type: 'catchup', entity: 'crew', vesselId: 'shore' },
      data: { vesselId: 'mv-aurora', epoch: 7, ranges: [{ from: 3, to: 5 }] },
    });
  });

  it('splits many ranges over requests, one after the other', async () => {
    const { catchUp, asked, answer } = setScene();
    const result = catchUp.request({ ...CREW, ranges: singles(450) });
    for (const upTo of [399, 799, 899]) await answer({ total: 1, upTo });
    expect(await result).toMatchObject({ asked: 3, received: 3 });
    expect(asked.map(({ data }) => data.ranges?.length)).toEqual([200, 200, 50]);
    expect(asked.flatMap(({ data }) => data.ranges)).toEqual(singles(450));
  });

  it('goes on while there is more, and asks for no more than the limit', async () => {
    const { catchUp, asked, answer } = setScene();
    const result = catchUp.request({ ...CREW, sinceTime: '2026-01-01T00:00:00Z', limit: 15 });
    await answer({ total: 10, upTo: 30, more: true });
    await answer({ total: 5, upTo: 40, more: true });
    expect(await result).toEqual({ asked: 2, received: 15, lost: 0, more: true });
    expect(asked.map(({ data }) => data)).toEqual([
      { vesselId: 'mv-aurora', sinceTime: '2026-01-01T00:00:00Z', limit: 15 },
      { vesselId: 'mv-aurora', sinceSequence: 30, limit: 5 },
    ]);
  });

  it('does not ask for ever where an answer does not get on', async () => {
    const { catchUp, answer } = setScene();
    const result = catchUp.request({ ...CREW, sinceSequence: 30 });
    await answer({ upTo: 30, more: true });
    expect(await result).toMatchObject({ asked: 1 });
  });

  it('takes no answer of another vessel, nor to another request', async () => {
    const { catchUp, answer, clock, turn } = setScene();
    const result = catchUp.request(CREW, { timeoutMs: 1000 });
    await answer({ upTo: 1 }, [], 'mv-other');
    await catchUp.receive({
      ...{ topic: 'vessel/sync/system/gap/mv-aurora', payload: Buffer.from('junk'), qos: 1, retained: false },
    });
    clock.advance(1000);
    await expect(result).rejects.toBeInstanceOf(CatchUpTimeoutError);
    await turn();
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets requests for one vessel and entity type wait for each other, and sends none that was given up meanwhile', async () => {
    const { catchUp, asked, answer, turn } = setScene();
    const abort = new AbortController();
    const first = catchUp.request(CREW);
    const second = catchUp.request(CREW, { signal: abort.signal });
    const third = catchUp.request(CREW);
    await turn();
    expect(asked).toHaveLength(1);
    abort.abort();
    await expect(second).rejects.toBeInstanceOf(CatchUpAbortedError);
    await answer({ upTo: 1 });
    await first;
    expect(asked).toHaveLength(2);
    await answer({ upTo: 1 });
    await third;
    expect(asked).toHaveLength(2);
  });

  it('says what kept it from asking', async () => {
    const { catchUp, scene } = setScene();
    await expect(catchUp.request({ ...CREW, entity: 'alerts' })).rejects.toBeInstanceOf(NotSubscribedError);
    for (const wrong of [{ limit: 0 }, { vesselId: 'shore' }, { ranges: [{ from: 2, to: 1 }] }, { since: 1 }])
      await expect(catchUp.request({ ...CREW, ...wrong })).rejects.toBeInstanceOf(CatchUpInvalidError);
    for (const outcome of ['refused', 'lost'] as const) {
      scene.outcome = outcome;
      await expect(catchUp.request(CREW)).rejects.toBeInstanceOf(CatchUpNotSentError);
    }
  });

  it('gives up when the process stops', async () => {
    const { catchUp, clock } = setScene();
    const result = catchUp.request(CREW);
    catchUp.stop();
    await expect(result).rejects.toBeInstanceOf(StoppingError);
    await expect(catchUp.request(CREW)).rejects.toBeInstanceOf(StoppingError);
    expect(clock.pendingTimers).toBe(0);
  });
});

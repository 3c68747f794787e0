import { describe, expect, it } from 'vitest';
import {
  CatchUpAbortedError,
  CatchUpInvalidError,
  CatchUpNotSentError,
  CatchUpTimeoutError,
  NotSubscribedError,
  StoppingError,
} from '../../errors.js';
import type { MqttSyncOptions } from '../../mqtt-sync.options.js';
import { resolveOptions } from '../../resolve-options.js';
import { silentLogger } from '../../logger.js';
import { SyncEvents } from '../../sync-events.js';
import { FakeClock } from '../../time/fake-clock.js';
import type { CatchupRequestEnvelope } from '../../wire/envelope.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import { CatchUp } from './catch-up.js';
import { VesselPrefixes } from './vessel-prefixes.js';

const CREW = { vesselId: 'mv-aurora', entity: 'crew' };

/** A vessel that is asked, and answers as a test wants. */
function setScene(options: MqttSyncOptions = {}) {
  const events = new SyncEvents(silentLogger);
  const clock = new FakeClock();
  const asked: CatchupRequestEnvelope[] = [];
  const topics: string[] = [];
  const scene = { outcome: 'acknowledged' as 'acknowledged' | 'refused' | 'refused_in_passing' | 'lost' };
  const catchUp = new CatchUp({
    port: {
      vesselId: 'shore',
      send({ topic, payload, settled }) {
        topics.push(topic);
        asked.push(JSON.parse(payload.toString()) as CatchupRequestEnvelope);
        settled(scene.outcome);
      },
    },
    prefixes: new VesselPrefixes(resolveOptions(options)),
    isSubscribed: (entity: string) => entity === 'crew',
    ...{ events, clock, maxBytes: 10_000 },
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
  return { clock, asked, topics, scene, events, catchUp, answer, turn };
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
    expect(await result).toMatchObject({ asked: 1, more: true });
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
    for (const wrong of [
      { limit: 0 },
      { vesselId: 'shore' },
      { ranges: [{ from: 2, to: 1 }] },
      { since: 1 },
      { entity: 'request' },
    ])
      await expect(catchUp.request({ ...CREW, ...wrong })).rejects.toBeInstanceOf(CatchUpInvalidError);
    for (const outcome of ['refused', 'refused_in_passing', 'lost'] as const) {
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

  describe('asks under the prefix of the changes of that vessel', () => {
    const crewOf = (vesselId: string, topic: string) => ({
      ...({
        topic,
        form: 'envelope',
        retained: false,
        replayed: false,
        operation: 'update',
        key: '1',
        messageId: 'm1',
        epoch: 7,
      } as const),
      ...{ sequence: 1, entity: 'crew', vesselId, stale: false, attempts: 1 },
    });

    it.each<[string, MqttSyncOptions, string]>([
      ['one for all', {}, 'vessel/sync'],
      ['one for each ship', { inboundPrefix: 'vessel/+/up', topicPrefix: 'shore/down' }, 'vessel/mv-aurora/up'],
      ['its own, on board', { inboundPrefix: 'vessel/{vesselId}/down', topicPrefix: 'vessel/up' }, 'vessel/shore/down'],
    ])('%s', async (_name, options, prefix) => {
      const { catchUp, topics } = setScene(options);
      await catchUp.ask(CREW);
      expect(topics).toEqual([`${prefix}/catchup/request`]);
    });

    it('which is the one it was last heard under, where that is not clear; else our own', async () => {
      const { catchUp, topics, events } = setScene({ inboundPrefix: 'fleet/+/+/up', topicPrefix: 'fleet/down' });
      await catchUp.ask(CREW);
      events.emit('change_handled', crewOf('mv-aurora', 'fleet/north/mv-aurora/up/crew'));
      await catchUp.ask(CREW);
      events.emit('change_repeated', crewOf('mv-aurora', 'fleet/south/mv-aurora/up/catchup/crew'));
      await catchUp.ask(CREW);
      await catchUp.ask({ ...CREW, vesselId: 'mv-other' });
      const prefixes = ['fleet/down', 'fleet/north/mv-aurora/up', 'fleet/south/mv-aurora/up', 'fleet/down'];
      expect(topics).toEqual(prefixes.map((prefix) => `${prefix}/catchup/request`));
    });

    it('and never on a topic that an id has made up', async () => {
      const { catchUp, topics } = setScene({ inboundPrefix: 'vessel/+/up', topicPrefix: 'shore/down' });
      for (const vesselId of ['a/b', '+', '#'])
        await expect(catchUp.ask({ ...CREW, vesselId })).rejects.toBeInstanceOf(CatchUpInvalidError);
      expect(topics).toEqual([]);
    });
  });
});

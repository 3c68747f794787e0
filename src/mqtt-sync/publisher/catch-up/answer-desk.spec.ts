import { describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../../test/helpers/connection.js';
import { FakeClock } from '../../time/fake-clock.js';
import { Topics } from '../../wire/topics.js';
import type { ControlMessage } from '../delivery-session.js';
import { AnswerDesk } from './answer-desk.js';
import { CatchUpSources } from './catch-up-source.js';
import { FakeHistory, span } from './fake-history.js';

interface Answered {
  readonly type: string;
  readonly sequence?: number;
  readonly answered?: object;
}

function setScene({ maxPerSecond = 1000 } = {}) {
  const [clock, logger, history, sources] = [
    new FakeClock(),
    new RecordingLogger(),
    new FakeHistory(),
    new CatchUpSources(),
  ];
  Object.assign(history, { newestNumber: 100, kept: span(1, 100) });
  const sent: ControlMessage[] = [];
  const identity = { vesselId: 'mv-aurora', epoch: 7 };
  const desk = new AnswerDesk({
    ...{ identity, topics: new Topics('vessel/sync', 'mv-aurora'), history, clock, sources, logger, maxPerSecond },
    sendBehind: (control) => sent.push(control),
  });
  /** Lets time pass; what is sent is settled as a broker would. */
  const pass = async (ms: number, outcome?: 'acknowledged' | 'refused') => {
    for (let passed = 0; passed < ms; passed += 10) {
      for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
      clock.advance(10);
      if (outcome) for (const { settled } of sent.slice(settledCount)) settled(outcome);
      if (outcome) settledCount = sent.length;
    }
  };
  let settledCount = 0;
  const lose = () => {
    for (const { settled } of sent.slice(settledCount)) settled('lost');
    settledCount = sent.length;
  };
  const ask = (data: object = {}, id = 'ask-1') => {
    const request = { type: 'catchup', entity: 'crew', messageId: id, vesselId: 'office' };
    desk.received(Buffer.from(JSON.stringify({ ...request, data: { vesselId: 'mv-aurora', ...data } })));
  };
  const envelopes = () => sent.map(({ payload }) => JSON.parse(payload.toString()) as Answered);
  return { desk, clock, logger, history, sources, sent, pass, lose, ask, envelopes };
}

describe('The desk that answers requests for catch-up', () => {
  it('sends what is kept, and then how the answer ended', async () => {
    const { desk, pass, ask, sent, envelopes } = setScene();
    desk.connected();
    ask({ ranges: [{ from: 98, to: 200 }] });
    await pass(200, 'acknowledged');
    expect(sent.map(({ topic, retain }) => [topic, retain])).toEqual([
      ...Array.from({ length: 3 }, () => ['vessel/sync/catchup/crew', false]),
      ['vessel/sync/system/gap/mv-aurora', false],
    ]);
    expect(envelopes().map(({ sequence }) => sequence)).toEqual([98, 99, 100, undefined]);
    expect(envelopes().at(-1)?.answered).toEqual({ request: 'ask-1', total: 3, upTo: 100, more: false });
    expect(desk.active).toBe(0);
  });

  it('says how far the answer goes, and that there is more', async () => {
    const { desk, pass, ask, envelopes } = setScene();
    desk.connected();
    ask({ limit: 10 });
    await pass(200, 'acknowledged');
    expect(envelopes().at(-1)?.answered).toMatchObject({ total: 10, upTo: 10, more: true });
  });

  it('sends no more in a second than it may', async () => {
    const { desk, pass, ask, sent } = setScene({ maxPerSecond: 20 });
    desk.connected();
    ask();
    await pass(1000, 'acknowledged');
    expect(sent.length).toBeGreaterThanOrEqual(18);
    expect(sent.length).toBeLessThanOrEqual(22);
  });

  it('sends nothing without a connection, and goes on with the next one', async () => {
    const { desk, pass, lose, ask, sent, envelopes } = setScene();
    ask({ ranges: [{ from: 1, to: 2 }] });
    await pass(100);
    expect(sent).toEqual([]);
    desk.connected();
    await pass(100);
    desk.disconnected();
    lose();
    desk.connected();
    await pass(100, 'acknowledged');
    expect(envelopes().map(({ sequence }) => sequence)).toEqual([1, 2, undefined, 1, 2, undefined]);
  });

  it('goes on with what it held back, once it is asked again on a connection that lasts', async () => {
    const { desk, clock, pass, lose, ask, sent } = setScene();
    ask({ ranges: [{ from: 1, to: 60 }] });
    for (let connection = 1; connection <= 3; connection++) {
      desk.connected();
      await pass(100);
      desk.disconnected();
      lose();
    }
    desk.connected();
    const before = sent.length;
    await pass(1000, 'acknowledged');
    expect(sent).toHaveLength(before);
    clock.advance(15_000);
    ask({ ranges: [{ from: 1, to: 60 }] }, 'ask-2');
    await pass(1000, 'acknowledged');
    expect(sent.length).toBeGreaterThan(before);
  });

  it('gives up an answer that the broker does not take, and says so once', async () => {
    const { desk, pass, ask, sent, logger } = setScene();
    desk.connected();
    ask();
    await pass(3000, 'refused');
    expect(sent.length).toBeLessThan(60);
    expect(desk.active).toBe(0);
    expect(logger.matching(/does not let this vessel send changes again/)).toHaveLength(1);
  });

  it('outlives a source that fails', async () => {
    const { desk, pass, ask, sent, logger, history, sources } = setScene();
    sources.register('crew', {
      changes() {
        throw new Error('no database');
      },
    });
    history.kept = [];
    desk.connected();
    ask();
    await pass(100, 'acknowledged');
    expect(sent).toEqual([]);
    expect(logger.matching(/"crew" ended early: no database/)).toHaveLength(1);
    expect(desk.active).toBe(0);
  });

  it('does not call it an error that the queue closes under an answer when everything stops', async () => {
    const { desk, pass, ask, sent, logger, history } = setScene();
    history.kept = [];
    let close = () => {};
    history.undelivered = () => new Promise((_, reject) => (close = () => reject(new Error('the queue is closed'))));
    desk.connected();
    ask();
    await pass(20);
    desk.stop();
    close();
    await pass(20);
    expect([sent, logger.lines, desk.active]).toEqual([[], [], 0]);
  });

  it('ignores junk, and everything after the stop', async () => {
    const { desk, pass, ask, sent, clock } = setScene();
    desk.connected();
    desk.received(Buffer.from('junk'));
    ask({ vesselId: 'mv-other' });
    desk.stop();
    ask();
    await pass(100);
    expect([sent, clock.pendingTimers]).toEqual([[], 0]);
  });
});

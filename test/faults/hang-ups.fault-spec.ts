import { describe, expect, it } from 'vitest';
import type { Qos } from '../../src/mqtt-sync/wire/entity-policies.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { Crew } from './ship/crew.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, withQos } from './witness/fault-application.js';
import { WitnessBroker, type WitnessScript } from './witness/witness-broker.js';

const MESSAGES = scale.name === 'short' ? 500 : 5000;
/** Isolated within seconds, not minutes. */
const SECONDS = 20;
/** Restarts of the broker come this often, and take so long. */
const RESTART = { everyMs: 400, downMs: 50 };
/** Each way, so that something is always under way when the broker goes. */
const DELAY_MS = 15;

/** Hangs up, without a word, on the changes of these calls. */
function hangingUpOn(calls: readonly number[]): WitnessScript {
  const culprits = new Set(calls);
  return {
    only311: true,
    at: (step, { envelope }) => {
      const isCulprit = envelope.type === 'data_change' && culprits.has((envelope.data as { call: number }).call);
      return isCulprit && step === 'publish' ? 'close' : undefined;
    },
  };
}

/** Takes the broker away now and then until `done`: connections end in order, then nobody listens for a moment. */
async function restartNowAndThen(broker: WitnessBroker, link: TcpProxy, done: () => boolean): Promise<number> {
  let restarts = 0;
  let nextMs = performance.now() + RESTART.everyMs / 2;
  while (!done()) {
    await until(() => done() || performance.now() >= nextMs, { what: 'the next restart' });
    if (done()) break;
    await link.refuse();
    broker.broker.last.close();
    const backMs = performance.now() + RESTART.downMs;
    await until(() => performance.now() >= backMs, { what: 'the broker to come back' });
    await link.accept();
    restarts++;
    nextMs = performance.now() + RESTART.everyMs;
  }
  return restarts;
}

describe('A 3.1.1 broker that hangs up on particular messages', () => {
  it.each<{ what: string; culprits: number[]; qos?: Qos; restarts: boolean }>([
    { what: 'one message', culprits: [300], restarts: false },
    { what: 'one message, and is restarted now and then', culprits: [300], restarts: true },
    { what: 'a QoS 2 message, and is restarted now and then', culprits: [300], qos: 2, restarts: true },
    { what: 'two messages in a row', culprits: [300, 301], restarts: false },
    { what: 'two messages, and is restarted now and then', culprits: [200, 400], restarts: true },
    { what: 'no message, and is restarted now and then', culprits: [], restarts: true },
  ])('sets exactly those aside and delivers the rest in order: $what', async ({ what, culprits, qos, restarts }) => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, hangingUpOn(culprits));
    const link = await TcpProxy.start(broker.broker.port);
    link.quality.up.delayMs = link.quality.down.delayMs = DELAY_MS;
    const application = await faultApplication(oracle, { brokerUrl: link.url });
    await application.connected();
    const publisher = qos === undefined ? application.publisher : withQos(application.publisher, qos);
    const crew = new Crew(publisher, oracle);
    // From the first time that the broker hung up on a message until it is set aside.
    let isolatedMs = 0;
    application.events.on('message_dead_lettered', ({ messageId = '' }) => {
      const [first] = broker.attemptsAt(messageId);
      isolatedMs = Math.max(isolatedMs, performance.now() - first!.atMs);
    });
    let isOver = false;
    const restarted = restarts ? restartNowAndThen(broker, link, () => isOver) : Promise.resolve(0);
    // In pieces, so that the restarts fall between and into them.
    for (let piece = 0; piece < 10; piece++) {
      await crew.publish(MESSAGES / 10);
      await application.drained(60_000);
    }
    isOver = true;
    const rounds = (await restarted) || 1;
    await delivered(application, oracle);
    const reasons = [...application.queue.deadLetters()].map(({ reason }) => reason);
    expect(reasons).toEqual(culprits.map(() => 'broker_hangs_up'));
    expect(isolatedMs).toBeLessThan(SECONDS * 1000);
    const report = oracle.report({
      name: `hangs up on ${what}`,
      rounds,
      everyArrivalIsPromised: true,
      notes: culprits.length === 0 ? [] : [`isolated within ${Math.round(isolatedMs)} ms`],
    });
    expect(report.deadLettered).toBe(culprits.length);
    conclude(report);
  });

  it('sets it aside too when it is the only message, and goes on with the next', async () => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, hangingUpOn([1]));
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    const crew = new Crew(application.publisher, oracle);
    await crew.publish(1);
    await application.drained(SECONDS * 1000);
    await crew.publish(10);
    await delivered(application, oracle);
    const report = oracle.report({ name: 'hangs up on the only message', everyArrivalIsPromised: true });
    expect(report.deadLettered).toBe(1);
    conclude(report);
  });

  it('blames nobody while the broker hangs up on everything, and delivers all when it is well again', async () => {
    const oracle = new Oracle();
    const script: WitnessScript = { only311: true, at: (step) => (step === 'publish' ? 'close' : undefined) };
    const broker = await WitnessBroker.start(oracle, script);
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(50);
    await until(() => broker.broker.connections.length >= 20, { deadlineMs: 60_000, what: '20 connections' });
    expect(application.status.statistics).toMatchObject({ deadLettered: 0, messagesPublished: 0 });
    delete script.at;
    await delivered(application, oracle);
    expect(application.status.statistics.deadLettered).toBe(0);
    conclude(oracle.report({ name: 'hangs up on everything, then on nothing', everyArrivalIsPromised: true }));
  });
});

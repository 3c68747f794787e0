import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { End } from './ends/end.js';
import { PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { sumOf } from './oracle/report.js';
import { scale } from './scale.js';
import { ROOM } from './ship/scene.js';
import { conclude } from './summary/record.js';

/** What a broker may have sent without an acknowledgement; Mosquitto 2.0.11 keeps to it until the first session that it resumes. */
const RECEIVE_MAXIMUM = 100;
/** After so many effects or accepted changes, and a random moment more, a kill comes. */
const MOST_DONE = 500;
const LATEST_MOMENT_MS = 40;
/** Every fourth life ends within this time, which may be before it has opened its queue. */
const START_MS = 1500;
/** After so long nothing comes any more. */
const SILENCE_MS = 15_000;
/** Between two cuts of a link, on average. */
const CUT_EVERY_MS = 700;

const isAbout = (share: number): boolean => Math.random() < share;

/** A ship and a shore, each with a link of its own that is cut at random, with a prefix for each ship as documented. */
async function setScene() {
  const broker = await Mosquitto.start({ config: PATIENT_BROKER, logTypes: ['information'] });
  const [shipLink, shoreLink] = [await TcpProxy.start(broker.port), await TcpProxy.start(broker.port)];
  const [up, down] = [new Oracle(), new Oracle()];
  const common: MqttSyncOptions = {
    ...{ reconnectMaxS: 1, queue: ROOM },
    entities: { engine_log: { lane: 'bulk', retain: false } },
    // What is asked for again comes out of order; here nothing may be missing in the first place.
    incoming: { receiveMaximum: RECEIVE_MAXIMUM, catchUp: 'manual' },
  };
  const ship = new End(
    {
      ...{ ...common, brokerUrl: shipLink.url, vesselId: 'mv-fault' },
      ...{ topicPrefix: 'vessel/sync/{vesselId}/up', inboundPrefix: 'vessel/sync/{vesselId}/down' },
    },
    up,
    down,
  );
  const shore = new End(
    {
      ...{ ...common, brokerUrl: shoreLink.url, vesselId: 'shore' },
      ...{ topicPrefix: 'vessel/sync/mv-fault/down', inboundPrefix: 'vessel/sync/+/up' },
    },
    down,
    up,
  );
  return { ship, shore, up, down, links: [shipLink, shoreLink] };
}

/** Lives and kills of one end, then a last life that publishes what is left. */
async function liveOnAndOn(end: End): Promise<void> {
  const { changes, kills } = scale.bothEnds;
  for (let life = 1; life <= kills; life++) {
    // The first life is under way already.
    if (life > 1) end.launch(Math.max(0, Math.ceil((changes * life) / (kills + 1)) - end.accepted));
    end.go();
    if (life % 4 === 0) await sleep(Math.random() * START_MS);
    else await untilUnderway(end);
    await end.kill();
  }
  end.launch(Math.max(0, changes - end.accepted));
  end.go();
  await end.says('done', 300_000);
}

/** Waits for a random moment of an end's work, or of its leisure when it has nothing to do. */
async function untilUnderway(end: End): Promise<void> {
  const before = end.accepted + end.handled;
  const most = Math.random() * MOST_DONE;
  const patienceEndsMs = performance.now() + 10_000;
  const isUnderway = () => {
    end.read();
    return end.accepted + end.handled >= before + most || performance.now() > patienceEndsMs;
  };
  await until(isUnderway, { deadlineMs: 60_000, what: 'the work to be under way' });
  await sleep(Math.random() * LATEST_MOMENT_MS);
}

/** Waits until all is there, or nothing comes any more: the report then says what is missing. */
async function untilSilence(ends: readonly End[], isThrough: () => boolean): Promise<void> {
  let [handled, sinceMs] = [-1, 0];
  const isOver = () => {
    for (const end of ends) end.read();
    const now = ends.reduce((sum, end) => sum + end.handled, 0);
    if (now > handled) [handled, sinceMs] = [now, performance.now()];
    return isThrough() || performance.now() - sinceMs > SILENCE_MS;
  };
  await until(isOver, { deadlineMs: 600_000, what: 'all effects' });
}

/** Cuts links until told to stop; some cuts last. */
function cutAtRandom(links: readonly TcpProxy[]) {
  let isOver = false;
  let cuts = 0;
  const work = async () => {
    while (!isOver) {
      await sleep(Math.random() * 2 * CUT_EVERY_MS);
      const link = links[Math.floor(Math.random() * links.length)]!;
      const lasts = isAbout(0.3);
      if (lasts) await link.refuse();
      link.cut();
      cuts++;
      if (lasts) await sleep(Math.random() * CUT_EVERY_MS);
      await link.accept();
    }
  };
  const working = work();
  return {
    async stop(): Promise<number> {
      isOver = true;
      await working;
      return cuts;
    },
  };
}

describeWithMosquitto('Both ends', () => {
  it('handle everything, once but for the documented window, in order per key, though both are killed and the links cut', async () => {
    const { ship, shore, up, down, links } = await setScene();
    const ends = [ship, shore];
    const { changes, kills } = scale.bothEnds;
    for (const end of ends) end.launch(Math.ceil(changes / (kills + 1)));
    // What is published before anybody has ever subscribed reaches nobody.
    await Promise.all(ends.map((end) => end.says('ready')));
    const cutting = cutAtRandom(links);
    await Promise.all(ends.map((end) => liveOnAndOn(end)));
    const cuts = await cutting.stop();
    await untilSilence(ends, () => up.isSettled && down.isSettled);
    for (const end of ends) {
      const standing = await end.stands();
      expect(standing).toMatchObject({ missingCount: 0, changesParked: 0, orderBreaks: 0, messagesDropped: 0 });
      expect(end.ledger.faults).toEqual([]);
      expect(end.kills).toBe(kills);
    }
    const repeats = ends.map(({ ledger }) => ledger.repeated);
    const notes = [
      `${kills} kills of each end, ${cuts} cuts of a link`,
      `handled again after a kill, on board and on shore: ${repeats.join(' and ')}, ` +
        `at most ${Math.max(...ends.map(({ ledger }) => ledger.mostAfterOneKill))} after one`,
    ];
    const reports = [up.report({ name: 'up', rounds: kills }), down.report({ name: 'down', rounds: kills })];
    expect(reports.every(({ accepted }) => accepted >= changes)).toBe(true);
    conclude(sumOf('both ends killed at random, links cut', reports, notes));
  }, 1_200_000);
});

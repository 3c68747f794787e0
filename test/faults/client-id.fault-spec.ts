import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { sumOf } from './oracle/report.js';
import { scaledMs } from './scale.js';
import { Crew } from './ship/crew.js';
import { LogBook } from './ship/log-book.js';
import { Tide } from './ship/tide.js';
import { conclude, recordLimit } from './summary/record.js';
import { faultApplication, scaleClock, withQos } from './witness/fault-application.js';

/** How long both write, in the real world. */
const FIGHT_MS = 90_000;
/** Together, over a fight: the first twenty or so of each come fast, until it is clear that something is wrong. */
const MOST_CONNECTIONS = 120;

/** Two services write for a while, both under one client id; then each delivers what it holds when it has its turn. */
async function fight(qos: 1 | 2, { resumeSession = true } = {}) {
  scaleClock();
  const oracles = { one: new Oracle(), other: new Oracle() };
  const broker = await Mosquitto.start({ config: PATIENT_BROKER });
  const oracleOf = (envelope: { readonly data?: unknown }) =>
    oracles[(envelope.data as { readonly ship: keyof typeof oracles }).ship];
  const shore = await FaultShore.listen(broker.url, oracleOf);
  const link = await TcpProxy.start(broker.port);
  const log = LogBook.open();
  const ships = ['one', 'other'] as const;
  const sides = await Promise.all(
    ships.map(async (ship) => {
      const options = { brokerUrl: link.url, reconnectMaxS: 10, resumeSession };
      const application = await faultApplication(oracles[ship], options);
      const crew = new Crew(withQos(application.publisher, qos), oracles[ship], { ship });
      return { application, tide: new Tide(crew, 4) };
    }),
  );
  await sleep(scaledMs(FIGHT_MS));
  const connections = link.connectionsAccepted;
  for (const { tide } of sides) await tide.stop();
  const waiting = () => sides.reduce((sum, { application }) => sum + application.status.queue.messages, 0);
  const what = () => `both to deliver; ${waiting()} messages are left`;
  await until(() => waiting() === 0, { deadlineMs: scaledMs(240_000) + 30_000, what });
  await shore.caughtUp();
  const name = `two services with one client id, QoS ${qos}${resumeSession ? '' : ', no session resumed'}`;
  const notes = [`${connections} connections in ${FIGHT_MS / 1000} s of real time, both together`];
  const reports = ships.map((ship) => oracles[ship].report({ name, everyArrivalIsPromised: true }));
  return { report: sumOf(name, reports, notes), log, connections };
}

describeWithMosquitto('Two services with one client id', () => {
  it('do not get into a storm, are named in the log, and lose nothing of QoS 1', async () => {
    const { report, log, connections } = await fight(1);
    conclude(report);
    expect(log.matching(/client id arus_sync_mv-fault/)).not.toHaveLength(0);
    expect(connections).toBeLessThan(MOST_CONNECTIONS);
    // A takeover looks like a broker that hangs up on a message: none may be blamed for it.
    expect(report.deadLettered).toBe(0);
  });

  /**
   * With QoS 2 they do lose messages, and no client can help it: the broker has one session for the client id, so after
   * "Session Present" a PUBREL is resumed on what is the other's session by then, and is answered with PUBCOMP although
   * the message it stands for was thrown away with the session before; and a PUBREL of one can release what the other
   * had sent under that packet id, long after what came behind it. `resumeSession: false` is the way out (below).
   */
  it('are named in the log with QoS 2, too, where messages that were on the way can be lost or come late', async () => {
    const { report, log } = await fight(2);
    const { accepted, lost, reordered } = report;
    const what = `${lost} of ${accepted} messages lost, ${reordered} late: the broker hands one's session to the other`;
    recordLimit(report.name, what);
    expect(log.matching(/client id arus_sync_mv-fault/)).not.toHaveLength(0);
    expect(report).toMatchObject({ repeatedAfterDedup: 0, changed: 0 });
  });

  /**
   * Not all is well there: a takeover looks like a broker that hangs up on a message. A quiet connection tells the two
   * apart, unless the machine is so busy that an answer takes as long as the other one's patience: then a message may
   * still be set aside.
   */
  it('lose nothing of QoS 2 either when they resume no session, though some of it can be set aside', async () => {
    const { report, log, connections } = await fight(2, { resumeSession: false });
    conclude(report);
    const { accepted, deadLettered } = report;
    const what = `${deadLettered} of ${accepted} set aside, ${connections} connections: a takeover looks like a hang-up`;
    if (deadLettered > 0 || connections >= MOST_CONNECTIONS) recordLimit(report.name, what);
    expect(log.matching(/client id arus_sync_mv-fault/)).not.toHaveLength(0);
  });
});

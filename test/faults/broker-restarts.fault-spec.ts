import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import type { Qos } from '../../src/mqtt-sync/wire/entity-policies.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import type { SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultReceiver } from './ends/fault-receiver.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { ENTITIES } from './ship/changes.js';
import { Crew } from './ship/crew.js';
import { Tide } from './ship/tide.js';
import { conclude, recordLimit } from './summary/record.js';
import { delivered, faultApplication, withQos } from './witness/fault-application.js';

/** A broker dies when a random number of messages below this has been delivered since it started. */
const MOST_DELIVERED = 400;
const LATEST_MOMENT_MS = 40;

/** Writes its memory to disk with every 50 changes: what comes back after a kill is a little old. */
const persistent = (folder: string): string =>
  [
    PATIENT_BROKER,
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_on_changes true',
    'autosave_interval 50',
  ].join('\n');

/** Whether the broker had kept the session, for every connection so far. */
function sessionsOf(application: SyncApplication): boolean[] {
  const sessions: boolean[] = [];
  application.events.on('connected', ({ sessionPresent }) => sessions.push(sessionPresent));
  return sessions;
}

/** How a broker ends, and what is published meanwhile. */
interface Ending {
  readonly name: string;
  readonly config: string | ((folder: string) => string);
  readonly end: 'kill' | 'stop';
  /** @default as the changes ask for, mixed within a key for some */
  readonly qos?: Qos;
  /** @default true */
  readonly resumeSession?: boolean;
}

/** Ends a broker again and again while a crew writes, and adds up what comes ashore. */
async function endAgainAndAgain({ name, config, end, qos, resumeSession = true }: Ending) {
  const oracle = new Oracle();
  const broker = await Mosquitto.start({ config });
  const shore = await FaultShore.listen(broker.url, oracle, 0);
  const receiverLink = await TcpProxy.start(broker.port);
  const receiver = await FaultReceiver.attach(receiverLink.url, oracle, 'automatic');
  const link = await TcpProxy.start(broker.port);
  const application = await faultApplication(oracle, { brokerUrl: link.url, resumeSession });
  await application.connected();
  const sessions = sessionsOf(application);
  const publisher = qos === undefined ? application.publisher : withQos(application.publisher, qos);
  const crew = new Crew(publisher, oracle);
  const tide = new Tide(crew);
  for (let round = 1; round <= scale.brokerRounds; round++) {
    const enough = oracle.delivered + 1 + Math.floor(Math.random() * MOST_DELIVERED);
    const what = () => `${enough} deliveries, there are ${oracle.delivered}`;
    await until(() => oracle.delivered >= enough, { deadlineMs: 60_000, what });
    // What the broker has by now, and forgets in a kill, the receiver has to ask the ship for.
    receiverLink.blackHole(['down']);
    await sleep(Math.random() * LATEST_MOMENT_MS);
    await (end === 'kill' ? broker.kill() : broker.stop());
    // What a broker takes while nobody has subscribed reaches nobody: the ship comes after the shore.
    await link.refuse();
    receiverLink.cut();
    receiverLink.heal();
    await broker.restart();
    await until(() => shore.isListening, { deadlineMs: 60_000, what: 'the shore to be back' });
    await link.accept();
    await until(() => sessions.length >= round, { deadlineMs: 60_000, what: 'the ship to be back' });
  }
  // What is published before that reaches no receiver, and after the last change nothing would show that it is missing.
  await receiver.listening(broker);
  await tide.stop();
  await application.drained(60_000);
  // A receiver sees by the next change of an entity type that the one before it is missing.
  await crew.publish(ENTITIES.length);
  await application.drained(60_000);
  await shore.caughtUp();
  const resumed = sessions.filter(Boolean).length;
  const { possibleDuplicates } = application.status.statistics;
  const notes = [
    `${resumed} of ${sessions.length} reconnects found their session; ${possibleDuplicates} possible duplicates`,
  ];
  const report = await receiver.judge(
    oracle.report({ name, rounds: scale.brokerRounds, notes, everyArrivalIsPromised: true }),
  );
  return { report, sessions, possibleDuplicates };
}

describeWithMosquitto('A broker that ends under load', () => {
  it('loses nothing when killed, with all that it remembers', async () => {
    const name = 'Mosquitto killed, without persistence';
    const { report, sessions } = await endAgainAndAgain({ name, config: PATIENT_BROKER, end: 'kill' });
    conclude(report);
    expect(sessions).not.toContain(true);
  });

  it('loses nothing of QoS 1 when killed, and back with a memory that is a little old', async () => {
    const name = 'Mosquitto killed, with persistence, QoS 1';
    const { report } = await endAgainAndAgain({ name, config: persistent, end: 'kill', qos: 1 });
    conclude(report);
  });

  /**
   * With PUBREC the broker has taken a message over, and the sender must not publish it again (MQTT 5, section 4.3.3). A
   * broker that dies then, comes back from a file that is older than that, says "Session Present" all the same and
   * answers the resumed PUBREL with PUBCOMP has lost the message, and no client can know. Every loss that was looked at had
   * this shape: PUBLISH, PUBREC, PUBREL, kill, PUBREL resumed, PUBCOMP with 0 from a broker that had no such message.
   */
  it('does not reorder or repeat QoS 2 when the broker is back with a memory that is a little old', async () => {
    const name = 'Mosquitto killed, with persistence, QoS 2';
    const { report } = await endAgainAndAgain({ name, config: persistent, end: 'kill', qos: 2 });
    const { accepted, lost, rounds, handled } = report;
    const asked = handled === undefined ? '' : `; the receiver, which asked for them, handled ${handled}`;
    recordLimit(
      name,
      `${lost} of ${accepted} messages lost in ${rounds} kills: the broker forgot what it had taken over${asked}`,
    );
    expect(report).toMatchObject({ reordered: 0, changed: 0, repeatedAfterDedup: 0 });
    // A receiver of ours sees that something is missing, and has it from the ship's journal.
    expect(report.findings.filter(({ kind }) => kind !== 'lost')).toEqual([]);
    if (scale.withReceiver) expect(handled).toBe(accepted);
  });

  it('loses nothing of QoS 2 either when no session is resumed: what had no PUBCOMP is published anew', async () => {
    const name = 'Mosquitto killed, with persistence, QoS 2, no session resumed';
    const ending = { name, config: persistent, end: 'kill', qos: 2, resumeSession: false } as const;
    const { report, sessions, possibleDuplicates } = await endAgainAndAgain(ending);
    conclude(report);
    expect(sessions).not.toContain(true);
    // Each that came twice was announced as possible: the price of this setting, and what the inbox of a receiver removes.
    expect(possibleDuplicates).toBeGreaterThanOrEqual(report.duplicatesOnWire);
    expect(possibleDuplicates).toBeGreaterThan(0);
  });

  it('loses nothing when restarted in order, and back with the session', async () => {
    const name = 'Mosquitto restarted in order';
    const { report, sessions } = await endAgainAndAgain({ name, config: persistent, end: 'stop' });
    conclude(report);
    // Mosquitto 2.0 does not write down a session that began with a clean start, as the process's first one does.
    expect(sessions.slice(1)).not.toContain(false);
  });

  it('publishes again what was in flight when the session is gone', async () => {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const shore = await FaultShore.listen(broker.url, oracle);
    const link = await TcpProxy.start(broker.port);
    const application = await faultApplication(oracle, { brokerUrl: link.url });
    await application.connected();
    const sessions = sessionsOf(application);
    const crew = new Crew(application.publisher, oracle);
    for (let round = 1; round <= scale.brokerRounds; round++) {
      // What the broker gets from now on is not acknowledged: it is in flight when the session goes.
      link.blackHole(['down']);
      const arrivals = oracle.arrivals;
      await crew.publish(200);
      await until(() => oracle.arrivals > arrivals, { what: 'something to be in flight' });
      await link.refuse();
      link.cut();
      link.heal();
      // Whoever connects with a clean start ends the session of that client id [MQTT-3.1.2-4].
      const thief = await connectAsync(broker.url, { clientId: 'arus_sync_mv-fault', protocolVersion: 5, clean: true });
      await thief.endAsync();
      await link.accept();
      await until(() => sessions.length >= round, { deadlineMs: 30_000, what: 'the next connection' });
      await until(() => application.status.queue.messages === 0, { deadlineMs: 30_000, what: 'the queue to drain' });
    }
    expect(sessions).not.toContain(true);
    await delivered(application, oracle);
    await shore.caughtUp();
    const { possibleDuplicates } = application.status.statistics;
    const notes = [`${possibleDuplicates} counted as possible duplicates`];
    const rounds = scale.brokerRounds;
    const report = oracle.report({
      name: 'session lost (Session Present 0)',
      rounds,
      notes,
      everyArrivalIsPromised: true,
    });
    // The shore was connected all along, so every duplicate is the publisher's, and it knew that it might be one.
    expect(report.duplicatesOnWire).toBeLessThanOrEqual(possibleDuplicates);
    expect(report.duplicatesOnWire).toBeGreaterThan(0);
    conclude(report);
  });
});

import { describe, expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { Crew, statisticsOf } from './ship/crew.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, withQos } from './witness/fault-application.js';
import { type Step, WitnessBroker } from './witness/witness-broker.js';

const STEPS: readonly Step[] = ['publish', 'passed_on', 'pubrel', 'released'];
const PER_STEP = scale.name === 'short' ? 3 : 10;

/** Cuts at every step in turn, each time with another message, so that no message is hit twice. */
class Cutter {
  readonly cuts: { readonly step: Step; readonly messageId: string; readonly packetId: number }[] = [];
  private readonly hit = new Set<string>();
  private sincePrevious = 0;

  constructor(
    private readonly total: number,
    private readonly every = 7,
  ) {}

  readonly at = (step: Step, { envelope, packet }: Parameters<NonNullable<WitnessBroker['script']['at']>>[1]) => {
    if (envelope.type !== 'data_change' || packet.qos !== 2 || this.cuts.length >= this.total) return undefined;
    const wanted = STEPS[this.cuts.length % STEPS.length];
    if (step !== wanted || this.hit.has(envelope.messageId) || ++this.sincePrevious < this.every) return undefined;
    this.sincePrevious = 0;
    this.hit.add(envelope.messageId);
    this.cuts.push({ step, messageId: envelope.messageId, packetId: packet.messageId! });
    return 'cut' as const;
  };
}

describe.each(['5', '3.1.1'] as const)('QoS 2 on MQTT %s', (protocol) => {
  it('is exactly once on the wire across cuts at every step, when the broker keeps the session', async () => {
    const oracle = new Oracle();
    const cutter = new Cutter(STEPS.length * PER_STEP);
    const broker = await WitnessBroker.start(oracle, { at: cutter.at, only311: protocol === '3.1.1' });
    const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol });
    const crew = new Crew(withQos(application.publisher, 2), oracle);
    while (cutter.cuts.length < STEPS.length * PER_STEP) {
      await crew.publish(100);
      await application.drained();
    }
    await delivered(application, oracle);
    for (const { step, messageId, packetId } of cutter.cuts) {
      const attempts = broker.attemptsAt(messageId).map(({ packet }) => packet);
      // The exchange goes on under the id that it began with.
      expect(new Set(attempts.map((packet) => packet.messageId))).toEqual(new Set([packetId]));
      expect(attempts.slice(1).every(({ dup }) => dup)).toBe(true);
      // Once the broker has answered PUBREC only the PUBREL may come again [MQTT-4.3.3-6].
      if (step === 'pubrel' || step === 'released') expect(attempts).toHaveLength(1);
    }
    const report = oracle.report({
      name: `QoS 2 on ${protocol}, cut at every step, session kept`,
      rounds: cutter.cuts.length,
      everyArrivalIsPromised: true,
    });
    expect(report.duplicatesOnWire).toBe(0);
    expect(application.status.statistics.possibleDuplicates).toBe(0);
    conclude(report);
  });

  it('is published again and counted as possible duplicate when the broker has lost the session', async () => {
    const oracle = new Oracle();
    const cutter = new Cutter(STEPS.length * PER_STEP);
    const broker = await WitnessBroker.start(oracle, {
      at: cutter.at,
      keepsSession: () => false,
      only311: protocol === '3.1.1',
    });
    const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol });
    const crew = new Crew(withQos(application.publisher, 2), oracle);
    while (cutter.cuts.length < STEPS.length * PER_STEP) {
      await crew.publish(100);
      await application.drained();
    }
    await delivered(application, oracle);
    const report = oracle.report({
      name: `QoS 2 on ${protocol}, cut at every step, session lost`,
      rounds: cutter.cuts.length,
      everyArrivalIsPromised: true,
    });
    // What was cut after it had been passed on is passed on again, under a packet id of the new session.
    expect(report.duplicatesOnWire).toBeGreaterThanOrEqual(3 * PER_STEP);
    // Counted once for a message, which may have been on the way in several cuts.
    expect(application.status.statistics.possibleDuplicates).toBeGreaterThanOrEqual(oracle.arrivedAgain);
    conclude(report);
  });

  it('is published again after a restart, and is not mistaken for what the earlier process had sent', async () => {
    const oracle = new Oracle();
    const dir = queueFolder();
    // Everything stays between PUBREC and PUBREL, so that the broker remembers the packet ids of the first process.
    const script: WitnessBroker['script'] = { at: (step) => (step === 'pubrel' ? 'silence' : undefined) };
    const broker = await WitnessBroker.start(oracle, script);
    const options = { brokerUrl: broker.url, protocol, shutdownDeadlineMs: 500, queue: { dir } };
    const first = await faultApplication(oracle, options);
    await first.connected();
    await new Crew(withQos(first.publisher, 2), oracle).publish(50);
    await until(() => broker.pubrels.length === 50, { what: 'every PUBREL' });
    await first.close();
    delete script.at;
    const second = await faultApplication(oracle, options);
    await new Crew(withQos(second.publisher, 2), oracle).publish(50);
    await second.drained();
    const report = oracle.report({ name: `QoS 2 on ${protocol}, restart between PUBREC and PUBREL` });
    // Counted by the receivers: this side cannot know after a restart what had been sent.
    expect(report.duplicatesOnWire).toBe(50);
    conclude(report);
  });
});

describeWithMosquitto('QoS 2 to Mosquitto', () => {
  it.each(['5', '3.1.1'] as const)(
    'reaches a QoS 2 subscriber exactly once over many cuts (MQTT %s)',
    async (protocol) => {
      const oracle = new Oracle();
      const broker = await Mosquitto.start({ config: PATIENT_BROKER });
      const shore = await FaultShore.listen(broker.url, oracle, 2);
      const link = await TcpProxy.start(broker.port);
      const application = await faultApplication(oracle, { brokerUrl: link.url, protocol });
      const crew = new Crew(withQos(application.publisher, 2), oracle);
      const rounds = scale.name === 'short' ? 15 : 100;
      for (let round = 0; round < rounds; round++) {
        await application.connected();
        const before = application.status.statistics.messagesPublished;
        const publishing = crew.publish(300);
        // Each cut falls into the middle of a batch, at a moment that nobody chooses.
        const some = 20 + ((round * 37) % 250);
        const { statistics } = application.status;
        await until(() => statistics.messagesPublished - before >= some, { what: `${some} more deliveries` });
        link.cut();
        await publishing;
      }
      await application.drained(60_000);
      await shore.settled(oracle);
      oracle.counters(statisticsOf(application));
      const report = oracle.report({
        name: `QoS 2 to Mosquitto on ${protocol}, cut under load`,
        rounds,
        everyArrivalIsPromised: true,
      });
      expect(report.duplicatesOnWire).toBe(0);
      expect(application.status.statistics.possibleDuplicates).toBe(0);
      conclude(report);
    },
  );
});

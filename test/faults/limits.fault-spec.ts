import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import type { SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { Crew, statisticsOf } from './ship/crew.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, scaleTimers, withQos } from './witness/fault-application.js';
import { type Witnessed, WitnessBroker, type WitnessScript } from './witness/witness-broker.js';

const MESSAGES = scale.name === 'short' ? 600 : 6000;

const callOf = ({ envelope }: Witnessed): number =>
  envelope.type === 'data_change' ? (envelope.data as { readonly call: number }).call : 0;
const isOf = ({ envelope }: Witnessed, entity: string): boolean =>
  envelope.type === 'data_change' && envelope.entity === entity;

/** Reason and reason code of every dead letter, without repeats. */
function verdictsOf({ queue }: SyncApplication): string[] {
  return [...new Set([...queue.deadLetters()].map(({ reason, reasonCode }) => `${reason} ${reasonCode}`))];
}

describe('Limits of a broker', () => {
  it.each([1, 20])('never has more unacknowledged than Receive Maximum %i, cuts included', async (receiveMaximum) => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, { connack: { properties: { receiveMaximum } } });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    const crew = new Crew(application.publisher, oracle);
    for (const share of [1, 2, 3]) {
      await crew.publish(MESSAGES / 3);
      await until(() => oracle.delivered >= (share - 0.5) * (MESSAGES / 3), {
        deadlineMs: 60_000,
        what: 'half of the batch on shore',
      });
      broker.broker.last.cut();
    }
    await delivered(application, oracle);
    expect(broker.mostUnacknowledged).toBeLessThanOrEqual(receiveMaximum);
    conclude(oracle.report({ name: `Receive Maximum ${receiveMaximum}`, rounds: 3, everyArrivalIsPromised: true }));
  });

  it('sets aside what is larger than Maximum Packet Size without sending it, and delivers the rest', async () => {
    const oracle = new Oracle();
    const maximumPacketSize = 1000;
    const broker = await WitnessBroker.start(oracle, { connack: { properties: { maximumPacketSize } } });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    const [small, large] = [
      new Crew(application.publisher, oracle),
      new Crew(application.publisher, oracle, { size: 2000 }),
    ];
    await Promise.all([small.publish(MESSAGES), large.publish(50)]);
    await delivered(application, oracle);
    expect(Math.max(...broker.witnessed.map(({ packet }) => packet.length ?? 0))).toBeLessThan(maximumPacketSize);
    expect(verdictsOf(application)).toEqual(['too_large_for_broker undefined']);
    const report = oracle.report({ name: 'Maximum Packet Size', everyArrivalIsPromised: true });
    expect(report.deadLettered).toBe(50);
    conclude(report);
  });

  it('sends QoS 2 as QoS 1, and nothing with retain, where the broker takes no more', async () => {
    const oracle = new Oracle();
    const properties = { maximumQoS: 1, retainAvailable: false };
    const broker = await WitnessBroker.start(oracle, { connack: { properties } });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    await delivered(application, oracle);
    expect(new Set(broker.witnessed.map(({ packet }) => `${packet.qos} ${packet.retain}`))).toEqual(
      new Set(['1 false']),
    );
    conclude(oracle.report({ name: 'Maximum QoS 1, no retain', everyArrivalIsPromised: true }));
  });

  it('keeps everything while the broker can acknowledge nothing (Maximum QoS 0), and delivers it to the next one', async () => {
    const oracle = new Oracle();
    const script: WitnessBroker['script'] = { connack: { properties: { maximumQoS: 0 } } };
    const broker = await WitnessBroker.start(oracle, script);
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await application.connected();
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    expect(broker.witnessed).toEqual([]);
    expect(application.status.queue.messages).toBe(MESSAGES);
    delete script.connack;
    broker.broker.last.cut();
    await delivered(application, oracle);
    conclude(oracle.report({ name: 'Maximum QoS 0, then 2', everyArrivalIsPromised: true }));
  });
});

describe('A broker that refuses messages', () => {
  it.each([
    ['quota exceeded', 0x97],
    ['unspecified error', 0x80],
    ['implementation specific error', 0x83],
  ])('pauses the entity type after "%s" until that message is through; the others go on', async (_name, code) => {
    scaleTimers();
    const oracle = new Oracle();
    let isFull = true;
    const broker = await WitnessBroker.start(oracle, {
      connack: { properties: { receiveMaximum: 1 } },
      verdict: (witnessed) => (isFull && isOf(witnessed, 'crew') ? code : 0),
    });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    const ofCrew = () => broker.witnessed.filter((witnessed) => isOf(witnessed, 'crew'));
    // Every other type is through, and the refused message was tried again and again, and nothing of its type beside it.
    const others = MESSAGES - Math.floor(MESSAGES / 6);
    await until(() => oracle.delivered === others && ofCrew().length >= 3, { deadlineMs: 30_000, what: 'three tries' });
    expect(new Set(ofCrew().map(callOf)).size).toBe(1);
    const tries = ofCrew().length;
    isFull = false;
    await delivered(application, oracle);
    expect(application.status.statistics).toMatchObject({ deadLettered: 0 });
    expect(application.status.statistics.publishFailures).toBeGreaterThanOrEqual(tries);
    conclude(oracle.report({ name: `passing refusal 0x${code.toString(16)}`, everyArrivalIsPromised: true }));
  });

  it('first sends in order with a full window too, when the broker refuses some of it now and then', async () => {
    scaleTimers();
    const oracle = new Oracle();
    let refusals = 0;
    const broker = await WitnessBroker.start(oracle, {
      // Refuses in runs: full, room again, full again.
      verdict: (witnessed) => {
        if (!isOf(witnessed, 'alerts') || refusals++ % 30 >= 3) return 0;
        // What is on the way together with it may overtake it: first sent in order is what is promised.
        oracle.exemptFromOrder(witnessed.envelope.messageId);
        return 0x97;
      },
    });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    await delivered(application, oracle, 300_000);
    expect(application.status.statistics.deadLettered).toBe(0);
    expectFirstSentInOrder(broker);
    conclude(oracle.report({ name: 'quota exceeded now and then, full window', everyArrivalIsPromised: true }));
  });

  it.each([
    ['not authorised', 0x87],
    ['topic name invalid', 0x90],
    ['payload format invalid', 0x99],
  ])('sets a message aside after "%s", at QoS 1 and 2, counts it, and goes on in order', async (_name, code) => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, {
      verdict: (witnessed) => (callOf(witnessed) % 20 === 7 ? code : 0),
    });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    await delivered(application, oracle);
    expect(verdictsOf(application)).toEqual([`refused ${code}`]);
    const report = oracle.report({ name: `final refusal 0x${code.toString(16)}`, everyArrivalIsPromised: true });
    expect(report.deadLettered).toBe(MESSAGES / 20);
    expect(application.status.statistics.publishFailures).toBe(MESSAGES / 20);
    conclude(report);
  });
});

describe('A broker that answers a message with a reason code that MQTT does not allow there', () => {
  const misanswered = (witnessed: Witnessed) => (callOf(witnessed) % 100 === 77 ? 0x95 : 0);

  it.each<{ packet: string; qos: 1 | 2; script: WitnessScript }>([
    { packet: 'PUBACK', qos: 1, script: { verdict: misanswered } },
    { packet: 'PUBACK, byte by byte', qos: 1, script: { verdict: misanswered, trickles: true } },
    { packet: 'PUBREC', qos: 2, script: { verdict: misanswered } },
    { packet: 'PUBCOMP', qos: 2, script: { release: misanswered } },
  ])('is taken at its word, and the rest gets through in order: $packet', async ({ packet, qos, script }) => {
    const oracle = new Oracle();
    const broker = await WitnessBroker.start(oracle, script);
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(withQos(application.publisher, qos), oracle).publish(MESSAGES);
    await application.drained(300_000);
    await until(() => oracle.isSettled, { what: () => `all on shore; missing: ${oracle.missing().join(', ')}` });
    // The parser cannot go on after one, so each costs a connection, and no message costs two.
    expect(verdictsOf(application)).toEqual(['refused 149']);
    const { deadLettered } = application.status.statistics;
    // Of those that were passed on some PUBREL may be asked again, and is answered as the standard says.
    if (packet !== 'PUBCOMP') expect(deadLettered).toBe(MESSAGES / 100);
    expect(deadLettered).toBeGreaterThan(0);
    expect(broker.broker.connections.length).toBeLessThanOrEqual(MESSAGES / 100 + 1);
    conclude(oracle.report({ name: `${packet} with a reason code not allowed there`, everyArrivalIsPromised: true }));
  });
});

/** Within each key the first PUBLISH of every message came in the order of the calls. */
function expectFirstSentInOrder({ witnessed }: WitnessBroker): void {
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  for (const one of witnessed) {
    const { envelope } = one;
    if (envelope.type !== 'data_change' || seen.has(envelope.messageId)) continue;
    seen.add(envelope.messageId);
    const key = `${envelope.entity} ${envelope.key}`;
    expect(callOf(one)).toBeGreaterThan(newest.get(key) ?? 0);
    newest.set(key, callOf(one));
  }
}

describe('The announcements of the service', () => {
  it('do not keep changes from a broker that hangs up on the status topic', async () => {
    const oracle = new Oracle();
    const at: WitnessBroker['script']['at'] = (_step, { envelope }) =>
      envelope.type === 'status' ? 'close' : undefined;
    const broker = await WitnessBroker.start(oracle, { at, only311: true });
    const application = await faultApplication(oracle, { brokerUrl: broker.url });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    await delivered(application, oracle);
    expect(application.status.statistics.deadLettered).toBe(0);
    conclude(oracle.report({ name: 'hangs up on the status topic', everyArrivalIsPromised: true }));
  });

  it('do not keep changes from a broker that hangs up on the gap topic', async () => {
    const oracle = new Oracle();
    const port = await freePort();
    const application = await faultApplication(oracle, {
      brokerUrl: `mqtt://127.0.0.1:${port}`,
      queue: { maxMessages: 100 },
    });
    application.events.on('message_dropped', ({ messageId, reason }) => oracle.dropped(messageId, reason));
    // More than there is room for, so that there are gaps to tell.
    await new Crew(application.publisher, oracle).publish(150);
    const at: WitnessBroker['script']['at'] = (_step, { envelope }) => (envelope.type === 'gap' ? 'close' : undefined);
    await WitnessBroker.start(oracle, { at, only311: true }, port);
    await delivered(application, oracle);
    expect(application.status.statistics).toMatchObject({ deadLettered: 0, messagesDropped: 50 });
    conclude(oracle.report({ name: 'hangs up on the gap topic', everyArrivalIsPromised: true }));
  });
});

describeWithMosquitto('Limits of Mosquitto', () => {
  it('sets aside what its access list denies (0x87 on MQTT 5), and delivers the rest in order', async () => {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({
      config: (folder) => {
        const file = join(folder, 'acl');
        writeFileSync(file, 'topic deny vessel/sync/crew\ntopic readwrite #\n', { mode: 0o600 });
        // Mosquitto 2.0.11 with max_queued_messages 0 drops the connection after each refusal.
        return `allow_anonymous true\nmax_queued_messages 100000\nmax_inflight_messages 0\nacl_file ${file}`;
      },
    });
    const shore = await FaultShore.listen(broker.url, oracle);
    const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol: '5' });
    await new Crew(application.publisher, oracle).publish(MESSAGES);
    await application.drained();
    await shore.settled(oracle);
    oracle.counters(statisticsOf(application));
    expect(verdictsOf(application)).toEqual(['refused 135']);
    const report = oracle.report({ name: 'Mosquitto denies a topic on MQTT 5', everyArrivalIsPromised: true });
    expect(report.deadLettered).toBe(MESSAGES / 6);
    conclude(report);
  });

  it.each([
    ['5', 'too_large_for_broker undefined'],
    ['3.1.1', 'broker_hangs_up undefined'],
  ] as const)('isolates what is beyond its max_packet_size on MQTT %s', async (protocol, verdict) => {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: `${PATIENT_BROKER}\nmax_packet_size 1500` });
    const shore = await FaultShore.listen(broker.url, oracle);
    const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol });
    const [small, large] = [
      new Crew(application.publisher, oracle),
      new Crew(application.publisher, oracle, { size: 2000 }),
    ];
    await Promise.all([small.publish(MESSAGES), large.publish(3)]);
    await application.drained(300_000);
    await shore.settled(oracle);
    oracle.counters(statisticsOf(application));
    expect(verdictsOf(application)).toEqual([verdict]);
    const report = oracle.report({ name: `Mosquitto max_packet_size on ${protocol}`, everyArrivalIsPromised: true });
    expect(report.deadLettered).toBe(3);
    conclude(report);
  });
});

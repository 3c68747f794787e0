import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeLink } from '../../../test/helpers/fake-link.js';
import { silentLogger } from '../logger.js';
import type { MessageDraft } from '../queue/message.js';
import { MemoryQueue } from '../queue/memory-queue.js';
import type { DeadLetter } from '../queue/sync-queue.js';
import { SyncEvents } from '../sync-events.js';
import { SyncStatistics } from '../sync-statistics.js';
import { FakeClock } from '../time/fake-clock.js';
import type { Qos } from '../wire/entity-policies.js';
import { DraftEnvelope } from '../wire/envelope.js';
import type { Lane } from '../wire/lanes.js';
import { Dispatcher } from './dispatcher.js';

interface Wish {
  readonly entity?: string;
  readonly key?: string;
  readonly qos?: Qos;
  readonly lane?: Lane;
  readonly text?: string;
}

function draft({ entity = 'work_orders', key, qos = 1, lane = 'normal', text = '' }: Wish): MessageDraft {
  const messageId = `${entity}-${key ?? ''}-${text}`;
  const base = { entity, operation: 'update', key, messageId } as const;
  const envelope = new DraftEnvelope({ ...base, vesselId: 'v', timestamp: 't', dataJson: JSON.stringify(text) });
  return { ...base, topic: `t/${entity}`, qos, retain: false, lane, acceptedAtMs: 0, idIsGiven: false, envelope };
}

/** One turn of the event loop, in which the dispatcher fills its window. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const dataOf = (payload: Buffer) => (JSON.parse(payload.toString()) as { data: string }).data;

describe('Dispatcher', () => {
  let clock: FakeClock;
  let queue: MemoryQueue;
  let dispatcher: Dispatcher;
  let statistics: SyncStatistics;
  let dead: DeadLetter[];
  let confirmed: number;
  let dropped: string[];
  let limits: { maxMessages: number } & Omit<ConstructorParameters<typeof MemoryQueue>[0], 'maxMessages'>;

  beforeEach(async () => {
    clock = new FakeClock();
    dead = [];
    confirmed = 0;
    const events = new SyncEvents(silentLogger);
    statistics = new SyncStatistics(events);
    limits = { maxMessages: 10_000, maxBytes: 1e9, overflowPolicy: 'drop-oldest', maxDeadLetters: 100 } as const;
    dropped = [];
    queue = new MemoryQueue(limits, clock, silentLogger);
    queue.observe({
      dropped: ({ payload }) => dropped.push(dataOf(payload)),
      deadLettered: (letter) => dead.push(letter),
      discarded() {},
      retried() {},
      missing() {},
      availability() {},
      committed() {},
      left() {},
    });
    await queue.open({ vesselId: 'v', isExplicit: true });
    const connection = { confirm: () => confirmed++ };
    dispatcher = new Dispatcher({ queue, connection, events, clock, logger: silentLogger, maxInFlight: 100 });
  });

  afterEach(async () => {
    dispatcher.stop();
    await queue.close();
  });

  const accept = async (...wishes: Wish[]) => {
    await queue.accept(wishes.map(draft));
    dispatcher.wake();
    await turn();
  };
  const connect = async (limits?: ConstructorParameters<typeof FakeLink>[1]) => {
    const link = new FakeLink(dispatcher, limits);
    await turn();
    return link;
  };
  const texts = (link: FakeLink) => link.published.map(({ payload }) => dataOf(payload));
  const numbered = (count: number, wish: Wish = {}) =>
    Array.from({ length: count }, (_, at) => ({ ...wish, text: String(at + 1) }));
  const waiting = () => queue.stats().messages;

  it('sends what waits, in order, and removes a message only when it is acknowledged', async () => {
    await accept(...numbered(3));
    const link = await connect();
    expect(texts(link)).toEqual(['1', '2', '3']);
    expect(waiting()).toBe(3);
    for (const { packetId } of link.published) link.acknowledge('puback', packetId);
    expect(waiting()).toBe(0);
    expect(statistics.messagesPublished).toBe(3);
    expect(confirmed).toBe(3);
  });

  it('never has more in flight than the broker receives at once', async () => {
    await accept(...numbered(10));
    const link = await connect({ receiveMaximum: 2 });
    expect(link.published).toHaveLength(2);
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(link.published).toHaveLength(3);
    expect(dispatcher.inFlight).toBe(2);
  });

  it('puts what was in flight back at the head when the link is lost, and sends it again first', async () => {
    await accept(...numbered(3));
    const first = await connect({ receiveMaximum: 2 });
    first.lose();
    expect(dispatcher.inFlight).toBe(0);
    await accept({ text: '4' });
    const second = await connect();
    expect(texts(second)).toEqual(['1', '2', '3', '4']);
    expect(statistics.messagesQueued).toBe(2);
    expect(statistics.publishFailures).toBe(2);
  });

  it('resumes QoS 1 with the old packet ids and DUP when the broker kept the session', async () => {
    await accept(...numbered(2));
    const first = await connect();
    first.lose();
    const second = await connect({ sessionPresent: true });
    expect(second.published.map(({ packetId, dup }) => [packetId, dup])).toEqual(
      first.published.map(({ packetId }) => [packetId, true]),
    );
  });

  it('sends everything as new when the broker has lost the session', async () => {
    await accept(...numbered(2));
    const first = await connect();
    first.lose();
    const second = await connect({ sessionPresent: false });
    expect(second.published.map(({ dup }) => dup)).toEqual([false, false]);
    for (const { packetId } of second.published) second.acknowledge('puback', packetId);
    expect(statistics.possibleDuplicates).toBe(2);
  });

  it('takes a QoS 2 message through PUBREC, PUBREL and PUBCOMP', async () => {
    await accept({ qos: 2, text: '1' });
    const link = await connect();
    const { packetId } = link.published[0]!;
    link.acknowledge('pubrec', packetId);
    expect(link.sent.at(-1)).toEqual({ kind: 'pubrel', packetId });
    expect(waiting()).toBe(1);
    link.acknowledge('pubcomp', packetId);
    expect(waiting()).toBe(0);
  });

  // Found by the fault suite: with one round trip of QoS 1 as the shortest, the two of QoS 2 looked like a queue on the link.
  it('sends QoS 2 as fast as the link takes it when QoS 1 is on it too', async () => {
    await accept(...Array.from({ length: 3000 }, () => ({ qos: 2 as const, text: 'x'.repeat(2000) })));
    const link = await connect();
    dispatcher.send({ topic: 'status', payload: Buffer.from('on'), retain: true, settled: () => {} });
    let [published, released] = [0, 0];
    const roundTrip = async (): Promise<number> => {
      clock.advance(100);
      const packets = link.published.slice(published);
      const releases = link.sent.filter(({ kind }) => kind === 'pubrel').slice(released);
      [published, released] = [published + packets.length, released + releases.length];
      for (const { packetId } of releases) link.acknowledge('pubcomp', packetId);
      for (const { qos, packetId } of packets) link.acknowledge(qos === 2 ? 'pubrec' : 'puback', packetId);
      await turn();
      return packets.length;
    };
    const first = await roundTrip();
    for (let round = 0; round < 40; round++) await roundTrip();
    expect(first).toBeGreaterThan(20);
    expect((await roundTrip()) + (await roundTrip())).toBeGreaterThanOrEqual(first);
  });

  it.each<{ what: string; cut?: 'published' | 'released'; answers: (readonly ['pubrec' | 'pubcomp', number])[] }>([
    {
      what: 'through PUBREC and PUBCOMP',
      answers: [
        ['pubrec', 0],
        ['pubcomp', 0],
      ],
    },
    { what: 'that PUBREC refuses', answers: [['pubrec', 0x87]] },
    {
      what: 'resumed before PUBREC',
      cut: 'published',
      answers: [
        ['pubrec', 0],
        ['pubcomp', 0],
      ],
    },
    { what: 'resumed after PUBREC', cut: 'released', answers: [['pubcomp', 0]] },
  ])('counts a QoS 2 message in the window until the first answer, once: one $what', async ({ cut, answers }) => {
    const unanswered = () => dispatcher['window'].unackedBytes;
    await accept({ qos: 2, text: '1' });
    let link = await connect();
    const { packetId } = link.published[0]!;
    expect(unanswered()).toBeGreaterThan(0);
    if (cut === 'released') link.acknowledge('pubrec', packetId);
    if (cut) link.lose();
    if (cut) link = await connect({ sessionPresent: true });
    expect(unanswered() === 0).toBe(cut === 'released');
    for (const [type, reasonCode] of answers) {
      link.acknowledge(type, packetId, reasonCode);
      expect(unanswered()).toBe(0);
    }
    expect(waiting()).toBe(0);
    expect(dispatcher['session'].releasedBytes).toBe(0);
  });

  it('holds no more than 64 MiB of messages that wait for PUBCOMP only', async () => {
    const mebibyte = 'x'.repeat(1024 * 1024);
    await accept(...Array.from({ length: 50 }, (_, at) => ({ qos: 2 as const, key: String(at), text: mebibyte })));
    const link = await connect();
    for (let answered = 0; answered < link.published.length; answered++) {
      clock.advance(100);
      link.acknowledge('pubrec', link.published[answered]!.packetId);
      await turn();
    }
    const held = link.published.reduce((sum, { payload }) => sum + payload.length, 0);
    expect(held).toBeGreaterThan(60 * 1024 * 1024);
    expect(held).toBeLessThan(72 * 1024 * 1024);
    for (const { packetId } of link.published.slice(0, 3)) link.acknowledge('pubcomp', packetId);
    await turn();
    expect(link.published.reduce((sum, { payload }) => sum + payload.length, 0)).toBeGreaterThan(held);
  });

  it('resumes a QoS 2 exchange after PUBREC also with a broker that takes QoS 1 at most by now', async () => {
    await accept({ qos: 2, text: '1' });
    const first = await connect();
    const { packetId } = first.published[0]!;
    first.acknowledge('pubrec', packetId);
    first.lose();
    const second = await connect({ sessionPresent: true, maximumQos: 1 });
    expect(second.sent).toEqual([{ kind: 'pubrel', packetId }]);
    second.acknowledge('pubcomp', packetId);
    expect(waiting()).toBe(0);
  });

  it('resumes a QoS 2 exchange with PUBREL when PUBREC had come before the cut', async () => {
    await accept({ qos: 2, text: '1' });
    const first = await connect();
    const { packetId } = first.published[0]!;
    first.acknowledge('pubrec', packetId);
    first.lose();
    const second = await connect({ sessionPresent: true });
    expect(second.sent).toEqual([{ kind: 'pubrel', packetId }]);
    second.acknowledge('pubcomp', packetId);
    expect(waiting()).toBe(0);
    expect(statistics.possibleDuplicates).toBe(0);
  });

  it('keeps the payload until PUBCOMP: a lost session after PUBREC means a new PUBLISH, counted as possible duplicate', async () => {
    await accept({ qos: 2, text: '1' });
    const first = await connect();
    first.acknowledge('pubrec', first.published[0]!.packetId);
    first.lose();
    const second = await connect({ sessionPresent: false });
    expect(texts(second)).toEqual(['1']);
    const { packetId } = second.published[0]!;
    second.acknowledge('pubrec', packetId);
    second.acknowledge('pubcomp', packetId);
    expect(statistics.possibleDuplicates).toBe(1);
  });

  it('publishes again when the broker answers PUBREL with "packet identifier not found"', async () => {
    await accept({ qos: 2, text: '1' });
    const link = await connect();
    const { packetId } = link.published[0]!;
    link.acknowledge('pubrec', packetId);
    link.acknowledge('pubcomp', packetId, 0x92);
    clock.advance(1000);
    await turn();
    expect(texts(link)).toEqual(['1', '1']);
  });

  // Found by the fault suite: such an exchange was published a second time.
  it('takes "packet identifier not found" for the end of an exchange whose PUBREL an earlier connection had sent', async () => {
    await accept({ qos: 2, text: '1' });
    const first = await connect();
    const { packetId } = first.published[0]!;
    first.acknowledge('pubrec', packetId);
    first.lose();
    const second = await connect({ sessionPresent: true });
    second.acknowledge('pubcomp', packetId, 0x92);
    await turn();
    expect(second.published).toEqual([]);
    expect(waiting()).toBe(0);
    expect(statistics).toMatchObject({ messagesPublished: 1, possibleDuplicates: 0 });
  });

  it('holds a message whose QoS differs from an unacknowledged earlier one of its key', async () => {
    await accept({ key: 'a', qos: 1, text: '1' }, { key: 'a', qos: 2, text: '2' }, { key: 'b', qos: 2, text: '3' });
    const link = await connect();
    expect(texts(link)).toEqual(['1', '3']);
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', '3', '2']);
  });

  it('sends a new critical message before the normal ones that wait', async () => {
    await accept(...numbered(10));
    const link = await connect({ receiveMaximum: 1 });
    await accept({ entity: 'alerts', lane: 'critical', text: 'fire' });
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', 'fire']);
  });

  it('sets a message aside that the broker refuses for good, with its reason code, and goes on', async () => {
    await accept(...numbered(2));
    const link = await connect();
    link.acknowledge('puback', link.published[0]!.packetId, 0x87);
    link.acknowledge('puback', link.published[1]!.packetId);
    await queue.settled();
    expect(dead).toMatchObject([{ reason: 'refused', reasonCode: 0x87, attempts: 1 }]);
    expect(waiting()).toBe(0);
    expect(statistics).toMatchObject({ messagesPublished: 1, publishFailures: 1 });
  });

  it('sets a message aside that is larger than the broker takes, without sending it', async () => {
    await accept({ text: 'x'.repeat(500) }, { text: 'small' });
    const link = await connect({ maximumPacketSize: 400 });
    await queue.settled();
    expect(texts(link)).toEqual(['small']);
    expect(dead).toMatchObject([{ reason: 'too_large_for_broker', attempts: 0 }]);
  });

  // Found by reading: 65,535 messages too large for a broker used up the packet ids, and nothing was sent any more.
  it('does not use up packet ids for what it never sends', async () => {
    const link = await connect({ maximumPacketSize: 400 });
    for (let thousands = 0; thousands < 66; thousands++) {
      await accept(...numbered(1000, { key: 'x'.repeat(400) }));
      for (let batch = 0; batch < 4; batch++) await turn();
      await queue.settled();
    }
    expect(dead).toHaveLength(66_000);
    await accept({ text: 'small' });
    expect(texts(link)).toEqual(['small']);
  });

  it('pauses the entity type after a passing refusal until that message is through, and lets others go on', async () => {
    await accept(...numbered(3));
    const link = await connect({ receiveMaximum: 1 });
    link.acknowledge('puback', link.published[0]!.packetId, 0x97);
    await accept({ entity: 'crew', text: 'other' });
    expect(texts(link)).toEqual(['1', 'other']);
    expect(dispatcher.paused).toMatchObject([{ entity: 'work_orders', reasonCode: 0x97 }]);
    link.acknowledge('puback', link.published[1]!.packetId);
    clock.advance(60_000);
    await turn();
    expect(texts(link)).toEqual(['1', 'other', '1']);
    link.acknowledge('puback', link.published[2]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', 'other', '1', '2']);
    expect(dispatcher.paused).toEqual([]);
    expect(dead).toEqual([]);
  });

  /** Connects again and again to a broker that hangs up on one text, until nothing waits or a last one is delivered. */
  async function untilDelivered(announce: boolean, culprit = '3', last?: string) {
    const delivered: string[] = [];
    let connections = 0;
    for (; waiting() > 0 && connections < 20 && !delivered.includes(last ?? ''); connections++) {
      const link = new FakeLink(dispatcher);
      const status = { topic: 's', payload: Buffer.from('{"data":"status"}'), retain: true, settled() {} };
      if (announce) dispatcher.send(status);
      // Past the time for which a connection is left quiet.
      clock.advance(2000);
      for (let seen = 0; ;) {
        await turn();
        const packet = link.published[seen++];
        if (!packet) break;
        if (dataOf(packet.payload) === culprit) {
          link.lose();
          break;
        }
        delivered.push(dataOf(packet.payload));
        link.acknowledge('puback', packet.packetId);
      }
      await queue.settled();
    }
    return { connections, delivered: delivered.filter((text) => text !== 'status') };
  }

  it.each([
    ['its status', true, []],
    ['only messages of another entity type', false, [{ entity: 'crew', text: '6' }]],
  ] as const)(
    'isolates a message on which the broker hangs up, and delivers the rest, with %s to show that the broker works',
    async (_evidence, announce, others) => {
      await accept(...numbered(5));
      const first = new FakeLink(dispatcher);
      await turn();
      first.acknowledge('puback', first.published[0]!.packetId);
      first.acknowledge('puback', first.published[1]!.packetId);
      first.lose();
      await accept(...others);
      const { connections, delivered } = await untilDelivered(announce);
      expect(dead.map(({ message }) => dataOf(message!.payload))).toEqual(['3']);
      expect(dead[0]).toMatchObject({ reason: 'broker_hangs_up' });
      expect(delivered.sort()).toEqual(['4', '5', ...others.map(({ text }) => text)]);
      expect(connections).toBeLessThanOrEqual(7);
    },
  );

  it('lets the other entity types go on after the first of many culprits in a row', async () => {
    await accept(...numbered(30, { entity: 'alerts', lane: 'critical' }).map((wish) => ({ ...wish, text: 'bad' })));
    await accept({ entity: 'crew', text: 'good' });
    const { connections, delivered } = await untilDelivered(true, 'bad', 'good');
    expect(delivered).toEqual(['good']);
    expect(connections).toBeLessThanOrEqual(7);
  });

  it('does not let a suspect in a paused entity type hold up the other types', async () => {
    await accept({ text: 'x' }, { text: 'y' }, { text: 'z' });
    const first = await connect();
    await accept({ entity: 'crew', text: 'other' });
    first.acknowledge('puback', first.published[0]!.packetId, 0x97);
    first.lose({ reason: 'packet too large', by: 'server_disconnect', reasonCode: 0x95 });
    const second = await connect();
    expect(texts(second)).toEqual(['other']);
  });

  it('does not keep what it only holds for the order from being dropped', async () => {
    await accept(...numbered(90).map((wish, at) => ({ ...wish, key: 'a', qos: at % 2 ? (2 as const) : (1 as const) })));
    const link = await connect();
    expect(link.published).toHaveLength(1);
    link.lose();
    limits.maxMessages = 90;
    await accept({ text: 'new' });
    expect(dropped).toEqual(['2']);
  });

  it('never has more messages sent and unsettled than may be in flight, over any number of connections', async () => {
    await accept(...numbered(100));
    const first = await connect();
    expect(first.published).toHaveLength(100);
    first.lose();
    await accept(...numbered(50, { entity: 'crew' }));
    const second = await connect();
    expect(second.published.every(({ topic }) => topic === 't/work_orders')).toBe(true);
    second.acknowledge('puback', second.published[0]!.packetId);
    await turn();
    expect(second.published.at(-1)).toMatchObject({ topic: 't/crew' });
  });

  it('sends a few urgent messages before a whole window that has to be sent again after a cut', async () => {
    await accept(...numbered(100));
    const first = await connect();
    first.lose();
    await accept(...numbered(50, { entity: 'alerts', lane: 'critical' }));
    const second = await connect();
    const topics = second.published.map(({ topic }) => topic);
    expect(topics.slice(0, 7)).toEqual(Array(7).fill('t/alerts'));
    expect(topics.slice(7)).toEqual(Array(93).fill('t/work_orders'));
  });

  it('refuses its own traffic where it is larger than the broker takes', async () => {
    const link = await connect({ maximumPacketSize: 100 });
    const outcomes: string[] = [];
    const payload = Buffer.alloc(200);
    dispatcher.send({ topic: 's', payload, retain: false, settled: (outcome) => outcomes.push(outcome) });
    await turn();
    expect(outcomes).toEqual(['refused']);
    expect(link.sent).toEqual([]);
  });

  it('cuts a link on which nothing is acknowledged, but not one on which acknowledgements keep coming', async () => {
    await accept(...numbered(2));
    const link = await connect();
    clock.advance(14_000);
    link.acknowledge('puback', link.published[0]!.packetId);
    clock.advance(14_000);
    expect(dispatcher.inFlight).toBe(1);
    clock.advance(3_000);
    expect(dispatcher.inFlight).toBe(0);
    expect(waiting()).toBe(1);
  });

  // Found by the fault suite: a trickle of new changes kept a link alive on which nothing was acknowledged any more.
  it('cuts such a link also while new messages are being written', async () => {
    const link = await connect();
    for (let second = 0; second < 20; second++) {
      await accept({ text: String(second) });
      dispatcher.drained(link);
      clock.advance(1000);
    }
    expect(dispatcher.inFlight).toBe(0);
  });

  it('does not time out while nothing is in flight', async () => {
    await connect();
    expect(clock.pendingTimers).toBe(0);
  });

  it('lowers the QoS to what the broker takes, and sends without retain where it keeps none', async () => {
    await accept({ qos: 2, text: '1' });
    const link = await connect({ maximumQos: 1, retainAvailable: false });
    expect(link.published[0]).toMatchObject({ qos: 1, retain: false });
  });

  it('sends nothing to a broker that can acknowledge nothing', async () => {
    await accept({ text: '1' });
    const link = await connect({ maximumQos: 0 });
    expect(link.sent).toEqual([]);
    expect(waiting()).toBe(1);
  });

  it('counts QoS 0 as delivered when it is written', async () => {
    await accept({ qos: 0, text: '1' });
    await connect();
    expect(waiting()).toBe(0);
    expect(statistics.messagesPublished).toBe(1);
  });

  it('does not pile QoS 0 up in a socket that takes nothing', async () => {
    await accept(...numbered(10, { qos: 0 }));
    const link = new FakeLink(dispatcher);
    link.bufferedBytes = 1e9;
    await turn();
    expect(link.sent).toEqual([]);
    link.bufferedBytes = 0;
    dispatcher.drained(link);
    await turn();
    expect(link.sent).toHaveLength(10);
  });

  it('drains until everything is acknowledged, or the link is lost, and not at all without a link', async () => {
    await dispatcher.drain();
    await accept({ text: '1' });
    const link = await connect();
    let drained = false;
    const drain = dispatcher.drain().then(() => (drained = true));
    await turn();
    expect(drained).toBe(false);
    link.acknowledge('puback', link.published[0]!.packetId);
    await drain;
    await accept({ text: '2' });
    const again = dispatcher.drain();
    link.lose();
    await again;
  });

  it('sends only its own traffic once it holds', async () => {
    const link = await connect();
    dispatcher.hold();
    await accept({ text: '1' });
    const outcomes: string[] = [];
    dispatcher.send({
      topic: 's',
      payload: Buffer.from('off'),
      retain: true,
      settled: (outcome) => outcomes.push(outcome),
    });
    await turn();
    expect(link.payloads).toEqual(['off']);
    link.acknowledge('puback', link.published[0]!.packetId);
    expect(outcomes).toEqual(['acknowledged']);
  });

  it('tells its own traffic what became of it: refused, lost with the link, or not sent at all', async () => {
    const outcomes: string[] = [];
    const control = {
      topic: 's',
      payload: Buffer.from('x'),
      retain: false,
      settled: (outcome: string) => outcomes.push(outcome),
    };
    dispatcher.send(control);
    const link = await connect();
    dispatcher.send(control);
    await turn();
    link.acknowledge('puback', link.published[0]!.packetId, 0x87);
    dispatcher.send(control);
    await turn();
    dispatcher.send(control);
    link.lose();
    expect(outcomes).toEqual(['not_sent', 'refused', 'lost', 'not_sent']);
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { draft, inMemory, VESSEL, watch } from '../../../test/contract/queue-harness.js';
import { FakeLink } from '../../../test/helpers/fake-link.js';
import type { LinkLoss } from '../connection/link.js';
import { silentLogger } from '../logger.js';
import type { MessageDraft } from '../queue/message.js';
import { SyncEvents } from '../sync-events.js';
import { Dispatcher } from './dispatcher.js';

const QUOTA_EXCEEDED = 0x97;
const PACKET_ID_NOT_FOUND = 0x92;
const NAMES_A_MESSAGE: LinkLoss = { reason: 'topic name invalid', by: 'server_disconnect', reasonCode: 0x90 };

/** One turn of the event loop, in which the dispatcher fills its window. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function scene({ maxInFlight = 20, maxMessages = 1000 } = {}) {
  const { queue, clock, observer } = watch(inMemory, { maxMessages });
  await queue.open(VESSEL);
  const connection = { confirm: () => {} };
  const events = new SyncEvents(silentLogger);
  const dispatcher = new Dispatcher({ queue, connection, events, clock, logger: silentLogger, maxInFlight });
  onTestFinished(() => dispatcher.stop());
  const accept = async (entity: string, count: number, change: Partial<MessageDraft> = {}) => {
    await queue.accept(Array.from({ length: count }, () => draft(entity, { topic: entity, ...change })));
    dispatcher.wake();
    await turn();
  };
  const connect = async (limits?: ConstructorParameters<typeof FakeLink>[1]) => {
    const link = new FakeLink(dispatcher, limits);
    await turn();
    return link;
  };
  return { queue, clock, observer, dispatcher, accept, connect };
}

const topics = (link: FakeLink) => link.published.map(({ topic }) => topic);

describe('Dispatcher, what is refused or not answered', () => {
  it('lets other types go on while one pauses of which a whole window was refused', async () => {
    const { accept, connect, dispatcher } = await scene();
    await accept('equipment', 20);
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept('crew', 30);
    expect(topics(link).slice(20)).toEqual(Array(20).fill('crew'));
    expect(dispatcher.paused).toMatchObject([{ entity: 'equipment' }]);
  });

  it('sends what was refused in the order of acceptance, all of it, when the pause is over', async () => {
    const { accept, connect, clock, queue } = await scene();
    await accept('equipment', 20);
    const link = await connect();
    const first = link.published.map(({ payload }) => payload);
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    clock.advance(1000);
    await turn();
    expect(link.published).toHaveLength(21);
    link.acknowledge('puback', link.published[20]!.packetId);
    await turn();
    expect(link.published.slice(20).map(({ payload }) => payload)).toEqual(first);
    for (const { packetId } of link.published.slice(21)) link.acknowledge('puback', packetId);
    expect(queue.stats().messages).toBe(0);
  });

  it('may drop what the broker has refused, which it has for sure not got, and then pauses no type of which nothing is left', async () => {
    const { accept, connect, observer, clock, dispatcher } = await scene({ maxMessages: 20 });
    await accept('equipment', 20);
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept('crew', 20);
    expect(observer.droppedIds).toHaveLength(20);
    expect(topics(link).slice(20)).toEqual(Array(20).fill('crew'));
    clock.advance(60_000);
    expect(dispatcher.paused).toEqual([]);
  });

  it('keeps half of the window for others where all that is refused may have arrived before', async () => {
    const { accept, connect, queue } = await scene();
    await accept('equipment', 20);
    const first = await connect();
    first.lose();
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept('crew', 30);
    expect(topics(link).slice(20)).toEqual(Array(10).fill('crew'));
    for (const { packetId } of link.published.slice(20)) link.acknowledge('puback', packetId);
    await turn();
    expect(topics(link).slice(30)).toEqual(Array(10).fill('crew'));
    expect(queue.stats().messages).toBe(40);
  });

  it('counts every attempt once, also those before and after a cut', async () => {
    const { accept, connect, clock, queue, observer } = await scene();
    await accept('equipment', 1);
    const refuse = async (link: FakeLink, reasonCode: number) => {
      link.acknowledge('puback', link.published.at(-1)!.packetId, reasonCode);
      clock.advance(60_000);
      await turn();
    };
    const first = await connect();
    await refuse(first, QUOTA_EXCEEDED);
    first.lose();
    const second = await connect();
    await refuse(second, QUOTA_EXCEEDED);
    await refuse(second, 0x87);
    await queue.settled();
    expect(first.published.length + second.published.length).toBe(4);
    expect(observer.letters).toMatchObject([{ reasonCode: 0x87, attempts: 4 }]);
  });

  it('counts all refusals of a message that is set aside in the end', async () => {
    const { accept, connect, clock, queue, observer } = await scene();
    await accept('equipment', 1);
    const link = await connect();
    for (const reasonCode of [QUOTA_EXCEEDED, QUOTA_EXCEEDED, 0x87]) {
      link.acknowledge('puback', link.published.at(-1)!.packetId, reasonCode);
      clock.advance(60_000);
      await turn();
    }
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'refused', reasonCode: 0x87, attempts: 3 }]);
  });

  it('ends a pause when the message that it waits for cannot be sent to this broker at all', async () => {
    const { accept, connect, clock, dispatcher, queue, observer } = await scene();
    await accept('equipment', 1, { dataJson: JSON.stringify('x'.repeat(5000)) } as Partial<MessageDraft>);
    const link = await connect();
    link.acknowledge('puback', link.published[0]!.packetId, QUOTA_EXCEEDED);
    link.lose();
    clock.advance(60_000);
    await connect({ maximumPacketSize: 1000 });
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'too_large_for_broker' }]);
    expect(dispatcher.paused).toEqual([]);
  });

  it('does not send a QoS 2 message round and round to a broker that knows no exchange', async () => {
    const { accept, connect, clock } = await scene();
    await accept('alerts', 1, { qos: 2 });
    const link = await connect();
    for (let again = 0; again < 100; again++) {
      const { packetId } = link.published.at(-1)!;
      link.acknowledge('pubrec', packetId);
      link.acknowledge('pubcomp', packetId, PACKET_ID_NOT_FOUND);
      await turn();
    }
    expect(link.published).toHaveLength(1);
    clock.advance(1000);
    await turn();
    expect(link.published).toHaveLength(2);
  });

  it('sends PUBREL also where the broker takes only smaller messages by now', async () => {
    const { accept, connect } = await scene();
    await accept('alerts', 1, { qos: 2 });
    const link = await connect();
    link.acknowledge('pubrec', link.published[0]!.packetId);
    link.lose();
    const next = await connect({ sessionPresent: true, maximumPacketSize: 20 });
    expect(next.sent).toEqual([{ kind: 'pubrel', packetId: link.published[0]!.packetId }]);
  });

  it('cuts a link on which one message gets no answer though later ones do, and not again within minutes', async () => {
    const { accept, connect, clock, dispatcher } = await scene();
    await accept('equipment', 1);
    const link = await connect();
    const lives = async (on: FakeLink) => {
      let seconds = 0;
      for (; dispatcher.inFlight > 0 && seconds < 600; seconds += 5) {
        await accept('crew', 1);
        clock.advance(5000);
        const answered = on.published.findLast(({ topic }) => topic === 'crew');
        if (answered) on.acknowledge('puback', answered.packetId);
      }
      return seconds;
    };
    expect(await lives(link)).toBeLessThanOrEqual(60);
    const next = await connect();
    expect(topics(next)).toContain('equipment');
    const secondsOfNext = await lives(next);
    expect(secondsOfNext).toBeGreaterThanOrEqual(240);
    expect(secondsOfNext).toBeLessThanOrEqual(360);
  });

  it('does not cut a link on which a slow broker answers one after the other', async () => {
    const { accept, connect, clock, dispatcher } = await scene();
    await accept('equipment', 20);
    const link = await connect();
    for (let at = 0; at < 19; at++) {
      clock.advance(10_000);
      link.acknowledge('puback', link.published[at]!.packetId);
    }
    expect(dispatcher.inFlight).toBe(1);
  });

  it.each([
    ['its own traffic', 'control'],
    ['a message of QoS 0', 'qos0'],
  ] as const)('does not set a message aside for what may have been the fault of %s', async (_name, other) => {
    const { accept, connect, dispatcher, queue, observer } = await scene();
    await accept('equipment', 1);
    const link = await connect();
    const control = { topic: 's', payload: Buffer.from('s'), retain: false, settled() {} };
    if (other === 'control') dispatcher.send(control);
    else await accept('positions', 1, { qos: 0 });
    await turn();
    expect(link.published).toHaveLength(2);
    link.lose(NAMES_A_MESSAGE);
    await queue.settled();
    expect(observer.letters).toEqual([]);
    const next = await connect();
    expect(topics(next)).toEqual(['equipment']);
    next.lose(NAMES_A_MESSAGE);
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'broker_hangs_up' }]);
  });
});

import { describe, expect, it } from 'vitest';
import { dispatcherScene, numbered, texts, topics, turn } from '../../../test/helpers/dispatcher-scene.js';
import type { FakeLink } from '../../../test/helpers/fake-link.js';

const NOT_AUTHORISED = 0x87;
const QUOTA_EXCEEDED = 0x97;

const equipment = (count: number) => numbered(count, { entity: 'equipment', key: 'k' });
const crew = (count: number) => numbered(count, { entity: 'crew', key: 'k' });

describe('Dispatcher, what is refused', () => {
  it('sets a message aside that the broker refuses for good, with its reason code, and goes on', async () => {
    const { accept, connect, queue, observer, statistics, waiting } = await dispatcherScene();
    await accept(...numbered(2));
    const link = await connect();
    link.acknowledge('puback', link.published[0]!.packetId, NOT_AUTHORISED);
    link.acknowledge('puback', link.published[1]!.packetId);
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'refused', reasonCode: NOT_AUTHORISED, attempts: 1 }]);
    expect(waiting()).toBe(0);
    expect(statistics).toMatchObject({ messagesPublished: 1, publishFailures: 1 });
  });

  it('pauses the entity type after a passing refusal until that message is through, and lets others go on', async () => {
    const { accept, connect, clock, dispatcher, observer } = await dispatcherScene();
    await accept(...numbered(3));
    const link = await connect({ receiveMaximum: 1 });
    link.acknowledge('puback', link.published[0]!.packetId, QUOTA_EXCEEDED);
    await accept({ entity: 'crew', text: 'other' });
    expect(texts(link)).toEqual(['1', 'other']);
    expect(dispatcher.paused).toMatchObject([{ entity: 'work_orders', reasonCode: QUOTA_EXCEEDED }]);
    link.acknowledge('puback', link.published[1]!.packetId);
    clock.advance(60_000);
    await turn();
    expect(texts(link)).toEqual(['1', 'other', '1']);
    link.acknowledge('puback', link.published[2]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', 'other', '1', '2']);
    expect(dispatcher.paused).toEqual([]);
    expect(observer.letters).toEqual([]);
  });

  it('lets other types go on while one pauses of which a whole window was refused', async () => {
    const { accept, connect, dispatcher } = await dispatcherScene({ maxInFlight: 20 });
    await accept(...equipment(20));
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept(...crew(30));
    expect(topics(link).slice(20)).toEqual(Array(20).fill('crew'));
    expect(dispatcher.paused).toMatchObject([{ entity: 'equipment' }]);
  });

  it.each([1, 2, 3])(
    'lets other types go on while one pauses that may have arrived, also with a queue of %i more than that',
    async (room) => {
      const { accept, connect, waiting } = await dispatcherScene({ maxInFlight: 1, maxMessages: 1 + room });
      await accept({ entity: 'equipment' });
      (await connect()).lose();
      const link = await connect();
      link.acknowledge('puback', link.published[0]!.packetId, QUOTA_EXCEEDED);
      for (const text of ['1', '2', '3']) {
        await accept({ entity: 'crew', text });
        const last = link.published.at(-1)!;
        expect(last.topic).toBe('crew');
        link.acknowledge('puback', last.packetId);
      }
      expect(waiting()).toBe(1);
    },
  );

  it('sends what was refused in the order of acceptance, all of it, when the pause is over', async () => {
    const { accept, connect, clock, waiting } = await dispatcherScene({ maxInFlight: 20 });
    await accept(...equipment(20));
    const link = await connect();
    const first = link.payloads;
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    clock.advance(1000);
    await turn();
    expect(link.published).toHaveLength(21);
    link.acknowledge('puback', link.published[20]!.packetId);
    await turn();
    expect(link.payloads.slice(20)).toEqual(first);
    for (const { packetId } of link.published.slice(21)) link.acknowledge('puback', packetId);
    expect(waiting()).toBe(0);
  });

  it('may drop what the broker has refused, which it has for sure not got, and then pauses no type of which nothing is left', async () => {
    const { accept, connect, observer, clock, dispatcher } = await dispatcherScene({
      maxInFlight: 20,
      maxMessages: 20,
    });
    await accept(...equipment(20));
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept(...crew(20));
    expect(observer.droppedIds).toHaveLength(20);
    expect(topics(link).slice(20)).toEqual(Array(20).fill('crew'));
    clock.advance(60_000);
    expect(dispatcher.paused).toEqual([]);
  });

  it('keeps half of the window for others where all that is refused may have arrived before', async () => {
    const { accept, connect, waiting } = await dispatcherScene({ maxInFlight: 20 });
    await accept(...equipment(20));
    const first = await connect();
    first.lose();
    const link = await connect();
    for (const { packetId } of link.published) link.acknowledge('puback', packetId, QUOTA_EXCEEDED);
    await accept(...crew(30));
    expect(topics(link).slice(20)).toEqual(Array(10).fill('crew'));
    for (const { packetId } of link.published.slice(20)) link.acknowledge('puback', packetId);
    await turn();
    expect(topics(link).slice(30)).toEqual(Array(10).fill('crew'));
    expect(waiting()).toBe(40);
  });

  it('counts every attempt once, also those before and after a cut', async () => {
    const { accept, connect, clock, queue, observer } = await dispatcherScene();
    await accept({ entity: 'equipment' });
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
    await refuse(second, NOT_AUTHORISED);
    await queue.settled();
    expect(first.published.length + second.published.length).toBe(4);
    expect(observer.letters).toMatchObject([{ reasonCode: NOT_AUTHORISED, attempts: 4 }]);
  });

  it('counts all refusals of a message that is set aside in the end', async () => {
    const { accept, connect, clock, queue, observer } = await dispatcherScene();
    await accept({ entity: 'equipment' });
    const link = await connect();
    for (const reasonCode of [QUOTA_EXCEEDED, QUOTA_EXCEEDED, NOT_AUTHORISED]) {
      link.acknowledge('puback', link.published.at(-1)!.packetId, reasonCode);
      clock.advance(60_000);
      await turn();
    }
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'refused', reasonCode: NOT_AUTHORISED, attempts: 3 }]);
  });

  it('ends a pause when the message that it waits for cannot be sent to this broker at all', async () => {
    const { accept, connect, clock, dispatcher, queue, observer } = await dispatcherScene();
    await accept({ entity: 'equipment', text: 'x'.repeat(5000) });
    const link = await connect();
    link.acknowledge('puback', link.published[0]!.packetId, QUOTA_EXCEEDED);
    link.lose();
    clock.advance(60_000);
    await connect({ maximumPacketSize: 1000 });
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'too_large_for_broker' }]);
    expect(dispatcher.paused).toEqual([]);
  });
});

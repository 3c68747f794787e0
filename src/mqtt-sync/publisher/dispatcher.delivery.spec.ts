import { describe, expect, it } from 'vitest';
import { dispatcherScene, numbered, texts, topics, turn } from '../../../test/helpers/dispatcher-scene.js';

describe('Dispatcher, what is delivered', () => {
  it('sends what waits, in order, and removes a message only when it is acknowledged', async () => {
    const { accept, connect, waiting, statistics, confirm } = await dispatcherScene();
    await accept(...numbered(3));
    const link = await connect();
    expect(texts(link)).toEqual(['1', '2', '3']);
    expect(waiting()).toBe(3);
    for (const { packetId } of link.published) link.acknowledge('puback', packetId);
    expect(waiting()).toBe(0);
    expect(statistics.messagesPublished).toBe(3);
    expect(confirm).toHaveBeenCalledTimes(3);
  });

  it('counts QoS 0 as delivered when it is written', async () => {
    const { accept, connect, waiting, statistics } = await dispatcherScene();
    await accept({ qos: 0, text: '1' });
    await connect();
    expect(waiting()).toBe(0);
    expect(statistics.messagesPublished).toBe(1);
  });

  it('puts what was in flight back at the head when the link is lost, and sends it again first', async () => {
    const { accept, connect, dispatcher, statistics } = await dispatcherScene();
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
    const { accept, connect } = await dispatcherScene();
    await accept(...numbered(2));
    const first = await connect();
    first.lose();
    const second = await connect({ sessionPresent: true });
    expect(second.published.map(({ packetId, dup }) => [packetId, dup])).toEqual(
      first.published.map(({ packetId }) => [packetId, true]),
    );
  });

  it('sends everything as new when the broker has lost the session', async () => {
    const { accept, connect, statistics } = await dispatcherScene();
    await accept(...numbered(2));
    const first = await connect();
    first.lose();
    const second = await connect({ sessionPresent: false });
    expect(second.published.map(({ dup }) => dup)).toEqual([false, false]);
    for (const { packetId } of second.published) second.acknowledge('puback', packetId);
    expect(statistics.possibleDuplicates).toBe(2);
  });

  it('never has more messages sent and unsettled than may be in flight, over any number of connections', async () => {
    const { accept, connect } = await dispatcherScene({ maxInFlight: 100 });
    await accept(...numbered(100));
    const first = await connect();
    expect(first.published).toHaveLength(100);
    first.lose();
    await accept(...numbered(50, { entity: 'crew' }));
    const second = await connect();
    expect(topics(second).every((topic) => topic === 'work_orders')).toBe(true);
    second.acknowledge('puback', second.published[0]!.packetId);
    await turn();
    expect(topics(second).at(-1)).toBe('crew');
  });

  it('drains until everything is acknowledged, or the link is lost, and not at all without a link', async () => {
    const { accept, connect, dispatcher } = await dispatcherScene();
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
});

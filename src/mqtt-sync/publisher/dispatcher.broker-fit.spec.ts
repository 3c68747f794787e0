import { describe, expect, it } from 'vitest';
import { dispatcherScene, numbered, texts, turn } from '../../../test/helpers/dispatcher-scene.js';

describe('Dispatcher, what the broker takes', () => {
  it('never has more in flight than the broker receives at once', async () => {
    const { accept, connect, dispatcher } = await dispatcherScene();
    await accept(...numbered(10));
    const link = await connect({ receiveMaximum: 2 });
    expect(link.published).toHaveLength(2);
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(link.published).toHaveLength(3);
    expect(dispatcher.inFlight).toBe(2);
  });

  it('lowers the QoS to what the broker takes, and sends without retain where it keeps none', async () => {
    const { accept, connect } = await dispatcherScene();
    await accept({ qos: 2, text: '1' });
    const link = await connect({ maximumQos: 1, retainAvailable: false });
    expect(link.published[0]).toMatchObject({ qos: 1, retain: false });
  });

  it('sends nothing to a broker that can acknowledge nothing', async () => {
    const { accept, connect, waiting } = await dispatcherScene();
    await accept({ text: '1' });
    const link = await connect({ maximumQos: 0 });
    expect(link.sent).toEqual([]);
    expect(waiting()).toBe(1);
  });

  it('sets a message aside that is larger than the broker takes, without sending it', async () => {
    const { accept, connect, queue, observer } = await dispatcherScene();
    await accept({ text: 'x'.repeat(500) }, { text: 'small' });
    const link = await connect({ maximumPacketSize: 400 });
    await queue.settled();
    expect(texts(link)).toEqual(['small']);
    expect(observer.letters).toMatchObject([{ reason: 'too_large_for_broker', attempts: 0 }]);
  });

  // Found by reading: 65,535 messages too large for a broker used up the packet ids, and nothing was sent any more.
  it('does not use up packet ids for what it never sends', async () => {
    const { accept, connect, queue, observer } = await dispatcherScene();
    const link = await connect({ maximumPacketSize: 400 });
    for (let thousands = 0; thousands < 66; thousands++) {
      await accept(...numbered(1000, { key: 'x'.repeat(400) }));
      for (let batch = 0; batch < 4; batch++) await turn();
      await queue.settled();
    }
    expect(observer.letters).toHaveLength(66_000);
    await accept({ text: 'small' });
    expect(texts(link)).toEqual(['small']);
  });
});

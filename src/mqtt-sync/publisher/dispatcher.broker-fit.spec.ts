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

  it('sends QoS 2 as QoS 1 on MQTT 3.1.1, where a broker cannot refuse what it has no room for, and says so once', async () => {
    const { accept, connect, logger } = await dispatcherScene();
    await accept({ qos: 2, key: 'a' }, { qos: 1, key: 'b' }, { qos: 0, key: 'c' });
    for (let outage = 0; outage < 3; outage++) {
      const link = await connect({ protocol: '3.1.1' });
      expect(link.published.slice(0, 2)).toMatchObject([{ qos: 1 }, { qos: 1 }]);
      if (outage === 0) expect(link.published[2]).toMatchObject({ qos: 0 });
      link.lose({ reason: 'reset', by: 'network', reasonCode: undefined });
    }
    expect(logger.warnings.filter((line) => line.includes('3.1.1'))).toHaveLength(1);
  });

  it('sends QoS 2 as such again when the broker speaks MQTT 5', async () => {
    const { accept, connect } = await dispatcherScene();
    const old = await connect({ protocol: '3.1.1' });
    old.lose();
    await accept({ qos: 2, text: '1' });
    const link = await connect();
    expect(link.published).toMatchObject([{ qos: 2 }]);
  });

  it('says nothing of QoS on MQTT 5 with a broker that takes QoS 2', async () => {
    const { connect, logger } = await dispatcherScene();
    await connect();
    expect(logger.warnings).toEqual([]);
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

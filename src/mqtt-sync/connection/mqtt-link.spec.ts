import { PassThrough } from 'node:stream';
import { generate, parser, type Packet } from 'mqtt-packet';
import type { MqttClient } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { MESSAGE } from '../../../test/helpers/connection-scene.js';
import { brokerLimits } from './connack.js';
import { MqttLink } from './mqtt-link.js';

const limits = brokerLimits({ cmd: 'connack', sessionPresent: false });

function linkOn(
  protocol: '5' | '3.1.1',
  topicAliasMaximum = 0,
  maximumPacketSize = limits.maximumPacketSize,
  requests: object = {},
): { link: MqttLink; writes: Buffer[]; packets: () => Packet[] } {
  const stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const writes: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => writes.push(chunk));
  const link = new MqttLink(
    { stream, ...requests } as unknown as MqttClient,
    protocol,
    false,
    { ...limits, topicAliasMaximum, maximumPacketSize },
    {
      cut() {},
      drained() {},
    },
  );
  const packets = (): Packet[] => {
    const found: Packet[] = [];
    const parsing = parser({ protocolVersion: protocol === '5' ? 5 : 4 });
    parsing.on('packet', (packet) => found.push(packet));
    for (const bytes of writes) parsing.parse(bytes);
    return found;
  };
  return { link, writes, packets };
}

describe.each(['5', '3.1.1'] as const)('MqttLink on MQTT %s', (protocol) => {
  it('writes exactly what it is given, with packet id and DUP', () => {
    const { link, packets } = linkOn(protocol);
    link.publish({ ...MESSAGE, qos: 0, retain: true });
    link.publish({ ...MESSAGE, qos: 1, packetId: 1, topic: 'zwölf/ä' });
    link.publish({ ...MESSAGE, qos: 2, packetId: 65_535, dup: true });
    link.release(77);
    link.flush();
    const [first, second, third, release] = packets();
    expect(first).toMatchObject({ cmd: 'publish', qos: 0, retain: true, dup: false, payload: MESSAGE.payload });
    expect(second).toMatchObject({ cmd: 'publish', qos: 1, messageId: 1, topic: 'zwölf/ä' });
    expect(third).toMatchObject({ cmd: 'publish', qos: 2, messageId: 65_535, dup: true });
    expect(release).toMatchObject({ cmd: 'pubrel', messageId: 77 });
  });

  it('knows the size of a packet on the wire at every width of the remaining length', () => {
    const { link } = linkOn(protocol);
    for (const bytes of [0, 90, 100, 127, 128, 16_340, 16_384, 2_097_100, 2_097_152]) {
      for (const qos of [0, 1] as const) {
        const packet = { ...MESSAGE, qos, payload: Buffer.alloc(bytes), topic: 'tö/pic' };
        const encoded = generate(
          { cmd: 'publish', ...packet, messageId: 1 },
          { protocolVersion: protocol === '5' ? 5 : 4 },
        );
        expect(link.packetBytes(packet)).toBe(encoded.length);
      }
    }
  });

  it('joins small packets into one write, and sends nothing before the flush', () => {
    const { link, writes } = linkOn(protocol);
    for (let packetId = 1; packetId <= 100; packetId++) link.publish({ ...MESSAGE, packetId });
    expect(writes).toHaveLength(0);
    expect(link.bufferedBytes).toBe(100 * link.packetBytes(MESSAGE));
    link.flush();
    link.flush();
    expect(writes).toHaveLength(1);
  });

  it('does not let a backlog of large packets pile up until the flush', () => {
    const { link, writes } = linkOn(protocol);
    for (let packetId = 1; packetId <= 4; packetId++)
      link.publish({ ...MESSAGE, payload: Buffer.alloc(70_000), packetId });
    expect(writes).toHaveLength(4);
  });

  it('writes nothing of a packet that cannot be encoded, and goes on', () => {
    const { link, packets } = linkOn(protocol);
    link.publish(MESSAGE);
    expect(() => link.publish({ ...MESSAGE, topic: 'x'.repeat(65_536) })).toThrow(RangeError);
    expect(() => link.publish({ ...MESSAGE, topic: undefined as unknown as string })).toThrow('Invalid topic');
    link.publish({ ...MESSAGE, packetId: 2 });
    link.flush();
    expect(packets().map(({ messageId }) => messageId)).toEqual([1, 2]);
  });

  it('knows whether a SUBSCRIBE or UNSUBSCRIBE has no answer yet, also when the connection ends without one', async () => {
    const callbacks: ((...answer: unknown[]) => void)[] = [];
    const ask = (_what: unknown, callback: () => void) => void callbacks.push(callback);
    const { link } = linkOn(protocol, 0, undefined, { subscribe: ask, unsubscribe: ask });
    const subscribed = link.subscribe([{ filter: 'a', qos: 1 }]);
    expect(link.isSubscribing).toBe(true);
    const unsubscribed = link.unsubscribe(['b']);
    callbacks[0]!(null, [], { granted: [1] });
    await subscribed;
    expect(link.isSubscribing).toBe(true);
    callbacks[1]!();
    await unsubscribed;
    expect(link.isSubscribing).toBe(false);
    void link.subscribe([{ filter: 'c', qos: 1 }]);
    callbacks[2]!(new Error('Connection closed'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(link.isSubscribing).toBe(true);
  });

  it('swallows everything once it is closed', () => {
    const { link, writes } = linkOn(protocol);
    link.publish(MESSAGE);
    link.close();
    link.publish(MESSAGE);
    link.release(1);
    link.flush();
    expect(link.bufferedBytes).toBe(0);
    expect(writes).toHaveLength(0);
  });
});

describe('MqttLink to a broker that takes topic aliases', () => {
  const written = (packets: Packet[]) =>
    packets.flatMap((packet) => (packet.cmd === 'publish' ? [[packet.topic, packet.properties?.topicAlias]] : []));

  it('writes a topic without its number where only that would be more than the broker takes', () => {
    const maximumPacketSize = linkOn('5').link.packetBytes(MESSAGE);
    const { link, packets } = linkOn('5', 10, maximumPacketSize);
    expect(link.packetBytes(MESSAGE)).toBe(maximumPacketSize);
    link.publish(MESSAGE);
    const smaller = { ...MESSAGE, topic: MESSAGE.topic.slice(0, -3) };
    link.publish(smaller);
    link.publish(smaller);
    link.flush();
    expect(written(packets())).toEqual([
      [MESSAGE.topic, undefined],
      [smaller.topic, 1],
      ['', 1],
    ]);
  });

  it('writes a topic in full once and by its number from then on, as many topics as the broker takes', () => {
    const { link, packets } = linkOn('5', 2);
    for (const topic of ['a', 'b', 'a', 'c', 'b', 'c']) link.publish({ ...MESSAGE, topic });
    link.flush();
    expect(written(packets())).toEqual([
      ['a', 1],
      ['b', 2],
      ['', 1],
      ['c', undefined],
      ['', 2],
      ['c', undefined],
    ]);
  });

  it('knows the size of a packet on the wire before and after the alias is known', () => {
    const { link, writes } = linkOn('5', 1);
    for (const topic of ['vessel/sync/work_orders', 'vessel/sync/work_orders', 'other']) {
      const bytes = link.packetBytes({ ...MESSAGE, topic });
      const before = writes.reduce((sum, { length }) => sum + length, 0);
      link.publish({ ...MESSAGE, topic });
      link.flush();
      expect(writes.reduce((sum, { length }) => sum + length, 0) - before).toBe(bytes);
    }
  });

  it('does not count on an alias that was never written', () => {
    const { link, packets } = linkOn('5', 1);
    const tooLong = 'x'.repeat(65_536);
    expect(() => link.publish({ ...MESSAGE, topic: tooLong })).toThrow(RangeError);
    link.publish({ ...MESSAGE, topic: 'a' });
    link.flush();
    expect(written(packets())).toEqual([['a', 1]]);
  });

  it('costs 15 bytes a message beyond the envelope, acknowledgement included', () => {
    const { link } = linkOn('5', 1);
    const packet = { ...MESSAGE, qos: 1, topic: 'vessel/sync/work_orders', payload: Buffer.alloc(300) } as const;
    link.publish(packet);
    const pubackBytes = 4;
    expect(link.packetBytes(packet) - 300 + pubackBytes).toBe(15);
  });
});

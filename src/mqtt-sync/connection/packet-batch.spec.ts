import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { PacketBatch } from './packet-batch.js';

const publish = (payload: Buffer, topic = 'vessel/sync/crew'): Packet =>
  ({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false, messageId: 513 }) as const;

const encoded = (packet: Packet, protocolVersion: 4 | 5): Buffer => generate(packet, { protocolVersion });

describe('PacketBatch', () => {
  it.each(['5', '3.1.1'] as const)('joins packets of any size as MQTT %s has them, batch after batch', (protocol) => {
    const batch = new PacketBatch(protocol);
    const version = protocol === '5' ? 5 : 4;
    for (const sizes of [[0, 1, 127], [128, 20_000], [700_000, 3], [5]]) {
      const packets = sizes.map((size) => publish(Buffer.alloc(size, size), 'vessel/sync/größe'));
      for (const packet of packets) batch.add(packet);
      const expected = Buffer.concat(packets.map((packet) => encoded(packet, version)));
      expect(batch.bytes).toBe(expected.length);
      expect(batch.take()!.equals(expected)).toBe(true);
      expect(batch.take()).toBeUndefined();
    }
  });

  it('does not change what it gave away', () => {
    const batch = new PacketBatch('5');
    batch.add(publish(Buffer.from('first')));
    const first = batch.take()!;
    batch.add(publish(Buffer.from('other')));
    batch.take();
    expect(first.equals(encoded(publish(Buffer.from('first')), 5))).toBe(true);
  });

  it.each([
    ['a topic that is too long', publish(Buffer.from('x'), 'a'.repeat(70_000))],
    ['no packet id', { ...publish(Buffer.from('x')), messageId: undefined } as unknown as Packet],
  ])('leaves out a packet whole that has %s, and says so', (_, wrong) => {
    const batch = new PacketBatch('5');
    const [one, two] = [publish(Buffer.from('one')), publish(Buffer.from('two'))];
    batch.add(one);
    expect(() => batch.add(wrong)).toThrow(Error);
    batch.add(two);
    expect(batch.take()!.equals(Buffer.concat([encoded(one, 5), encoded(two, 5)]))).toBe(true);
  });
});

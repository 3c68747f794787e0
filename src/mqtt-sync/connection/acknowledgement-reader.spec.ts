import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { AcknowledgementReader } from './acknowledgement-reader.js';

const bytesOf = (...packets: readonly Packet[]): Buffer =>
  Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 })));

const HONEST: readonly Packet[] = [
  { cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { receiveMaximum: 0x4095 } },
  { cmd: 'puback', messageId: 1, reasonCode: 0 },
  { cmd: 'puback', messageId: 2, reasonCode: 0x10, properties: { reasonString: 'x'.repeat(300) } },
  // Inside a payload it looks like what is looked for.
  { cmd: 'publish', topic: 'a', payload: Buffer.from([0x40, 4, 0, 9, 0x95, 0]), qos: 0, dup: false, retain: false },
  { cmd: 'publish', topic: 'a', payload: Buffer.alloc(20_000, 0x40), qos: 0, dup: false, retain: false },
  { cmd: 'pingresp' },
  { cmd: 'pubcomp', messageId: 3, reasonCode: 0x92 },
];

describe('AcknowledgementReader', () => {
  it.each([
    ['puback', 0x95],
    ['puback', 0x92],
    ['pubrec', 0x01],
    ['pubcomp', 0x97],
  ] as const)('finds a %s with code %i among other packets, in one piece or byte by byte', (cmd, reasonCode) => {
    const bytes = bytesOf(
      ...HONEST,
      { cmd, messageId: 0x1234, reasonCode },
      { cmd: 'puback', messageId: 5, reasonCode: 0 },
    );
    const expected = { type: cmd, packetId: 0x1234, reasonCode };
    const whole = new AcknowledgementReader();
    whole.read(bytes);
    expect(whole.disallowed).toEqual(expected);
    const trickle = new AcknowledgementReader();
    for (const byte of bytes) trickle.read(Uint8Array.of(byte));
    expect(trickle.disallowed).toEqual(expected);
  });

  it.each([1, 2, 3, 4, 5, 7, 64])(
    'passes over short acknowledgements, however they are cut: %i bytes at a time',
    (size) => {
      const short = [1, 2, 3, 4, 5].map((packetId) => Buffer.of(0x40, 2, 0x95, packetId));
      const bytes = Buffer.concat([...short, Buffer.of(0x40, 3, 0, 9, 0x95), ...short]);
      const reader = new AcknowledgementReader();
      for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size));
      expect(reader.disallowed).toEqual({ type: 'puback', packetId: 9, reasonCode: 0x95 });
    },
  );

  it('finds nothing where every code is allowed', () => {
    const reader = new AcknowledgementReader();
    const codes = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
    const answers = codes.flatMap((reasonCode): Packet[] => [
      { cmd: 'puback', messageId: 1, reasonCode },
      { cmd: 'pubrec', messageId: 1, reasonCode },
    ]);
    reader.read(bytesOf(...HONEST, ...answers, ...HONEST));
    expect(reader.disallowed).toBeUndefined();
  });
});

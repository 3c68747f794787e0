import { generate, type Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { connectionScene } from '../../../test/helpers/connection-scene.js';
import { until } from '../../../test/helpers/wait.js';

/** A small repeatable random source (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const properties = { reasonString: 'why', userProperties: { a: ['b', 'c'] } };

/** Everything that a broker may send. */
const HONEST: readonly Packet[] = [
  { cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { receiveMaximum: 5, topicAliasMaximum: 3 } },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, dup: false, retain: false, properties: { contentType: 'y' } },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 2, dup: false, retain: false, messageId: 3 },
  { cmd: 'puback', messageId: 1, reasonCode: 0x10, properties },
  { cmd: 'pubrec', messageId: 1, reasonCode: 0, properties },
  { cmd: 'pubrel', messageId: 3, reasonCode: 0 },
  { cmd: 'pubcomp', messageId: 1, reasonCode: 0x92, properties },
  { cmd: 'suback', messageId: 1, granted: [0, 1], properties },
  { cmd: 'unsuback', messageId: 1, granted: [0, 17] },
  { cmd: 'pingresp' },
  { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm', authenticationData: Buffer.from('d') } },
  { cmd: 'disconnect', reasonCode: 0x8b, properties: { serverReference: 'elsewhere', ...properties } },
];

/** Some honest packets with bytes changed, cut out or put in. */
function mutated(random: () => number): Buffer {
  const pick = (below: number): number => Math.floor(random() * below);
  const packets = Array.from({ length: 1 + pick(4) }, () => HONEST[pick(HONEST.length)]!);
  const bytes = [...Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 })))];
  for (let change = pick(4); change >= 0; change--) {
    const at = pick(bytes.length);
    const kind = pick(3);
    if (kind === 0) bytes[at] = pick(256);
    else bytes.splice(at, kind === 1 ? 1 + pick(3) : 0, ...(kind === 2 ? [pick(256)] : []));
  }
  return Buffer.from(bytes);
}

it('survives whatever a broken broker sends, in one piece or in many', async () => {
  const random = seeded(Number(process.env['FUZZ_SEED'] ?? 1));
  const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 300);
  const { broker, connection, retry } = await connectionScene({
    onPacket: (packet) => packet.cmd === 'publish',
    connack: (_connect, connectionNumber) => {
      const peer = broker.last;
      if (connectionNumber % 3 !== 0) peer.send({ cmd: 'connack', sessionPresent: false, reasonCode: 0 });
      setImmediate(() => {
        const bytes = mutated(random);
        if (random() < 0.5) peer.sendBytes(bytes);
        else for (const byte of bytes) peer.sendBytes(Buffer.of(byte));
        peer.close();
      });
      return undefined;
    },
  });
  connection.start();
  for (let round = 0; round < rounds; round++) await retry();
  expect(connection.manager.state).toBe('connecting');
  expect(connection.losses).toHaveLength(connection.links.length);
  expect(connection.links.length).toBeGreaterThan(rounds / 10);
  expect(connection.logger.matching(/^error (?!Another client)/)).toEqual([]);
});

it('drops the connection on a malformed packet, logs it and connects again', async () => {
  const { broker, connection, retry } = await connectionScene();
  connection.start();
  await connection.linked();
  broker.last.sendBytes(Buffer.from([0xf0 | 0x0f, 0xff, 0xff, 0xff, 0xff, 0x7f]));
  const loss = await connection.lost();
  expect(loss.by).toBe('network');
  expect(connection.logger.matching(/^warn Lost the connection/)).toHaveLength(1);
  await until(() => !broker.last.isOpen, { what: 'our side to close' });
  await retry();
  await connection.linked(2);
});

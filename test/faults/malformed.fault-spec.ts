import { setTimeout as sleep } from 'node:timers/promises';
import { generate, type Packet } from 'mqtt-packet';
import { expect, it } from 'vitest';
import { referencedBytes } from '../helpers/heap.js';
import { until } from '../helpers/wait.js';
import { Oracle } from './oracle/oracle.js';
import { Crew } from './ship/crew.js';
import { conclude } from './summary/record.js';
import { delivered, faultApplication, scaleClock, seeded } from './witness/fault-application.js';
import { WitnessBroker } from './witness/witness-broker.js';

const PACKETS = 500;
/** The heap is compared after so many packets and after all of them. */
const WARM_UP = 100;
const GROWTH_MB = 8;

/** Some packets promise more bytes than come, and hide the acknowledgements behind them. */
const PATIENCE_MS = 100;

/** Beyond every id in use: an acknowledgement that the broker makes up is a lie, and no malformed packet. */
const NO_ID = 0xfff0;

const properties = { reasonString: 'why', userProperties: { a: ['b', 'c'] } };

/** What a broker may send. */
const HONEST: readonly Packet[] = [
  { cmd: 'connack', sessionPresent: false, reasonCode: 0, properties: { receiveMaximum: 5, topicAliasMaximum: 3 } },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, dup: false, retain: false, properties: { contentType: 'y' } },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 1, dup: false, retain: false, messageId: NO_ID },
  { cmd: 'publish', topic: 'a/b', payload: 'x', qos: 2, dup: true, retain: false, messageId: NO_ID },
  { cmd: 'puback', messageId: NO_ID, reasonCode: 0x10, properties },
  { cmd: 'pubrec', messageId: NO_ID, reasonCode: 0, properties },
  { cmd: 'pubrel', messageId: NO_ID, reasonCode: 0 },
  { cmd: 'pubcomp', messageId: NO_ID, reasonCode: 0x92, properties },
  { cmd: 'suback', messageId: NO_ID, granted: [0, 1], properties },
  { cmd: 'unsuback', messageId: NO_ID, granted: [0, 17] },
  { cmd: 'pingresp' },
  { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm', authenticationData: Buffer.from('d') } },
  { cmd: 'disconnect', reasonCode: 0x8b, properties: { serverReference: 'elsewhere', ...properties } },
];

/** An honest packet with bytes changed, cut out or put in; now and then nothing but noise. */
function malformed(random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  if (random() < 0.1) return Buffer.from(Array.from({ length: 1 + below(40) }, () => below(256)));
  const bytes = [...generate(HONEST[below(HONEST.length)]!, { protocolVersion: 5 })];
  for (let change = below(3); change >= 0; change--) {
    const at = below(bytes.length);
    const kind = below(3);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes.splice(at, 1 + below(3));
    else bytes.splice(at, 0, below(256));
  }
  return Buffer.from(bytes);
}

it('500 malformed packets from the broker: nothing is lost, nothing crashes, the memory does not grow', async () => {
  scaleClock();
  const seed = Number(process.env['FUZZ_SEED'] ?? 1);
  const random = seeded(seed);
  const oracle = new Oracle();
  const broker = await WitnessBroker.start(oracle, { keepsSession: () => random() < 0.7 });
  const application = await faultApplication(oracle, { brokerUrl: broker.url, protocol: '5' });
  const crew = new Crew(application.publisher, oracle);
  let heapBefore = 0;
  for (let packet = 1; packet <= PACKETS; packet++) {
    await until(() => application.status.connected, { deadlineMs: 60_000, what: 'a connection' });
    const peer = broker.broker.last;
    const publishing = crew.publish(4);
    peer.sendBytes(malformed(random));
    await publishing;
    // Not with everything still on the way: a broker that ends every connection a moment after it got something looks as if it hung up on it.
    await Promise.race([application.drained(), sleep(PATIENCE_MS)]).catch(() => undefined);
    // A packet that happens to be sound changes nothing; one that promises more bytes than come would wait for them.
    peer.close();
    await until(() => broker.broker.last !== peer, { deadlineMs: 60_000, what: 'the next connection' });
    if (packet === WARM_UP) heapBefore = referencedBytes();
    // What the broker remembers of it is no memory of the system under test.
    for (const memory of [broker.witnessed, broker.pubrels, broker.broker.received]) memory.length = 0;
    broker.broker.connections.splice(0, broker.broker.connections.length - 1);
  }
  const growth = (referencedBytes() - heapBefore) / 1e6;
  await delivered(application, oracle);
  expect(growth).toBeLessThan(GROWTH_MB);
  const notes = [`seed ${seed}; heap grew by ${growth.toFixed(1)} MB over ${PACKETS - WARM_UP} of them`];
  const name = `${PACKETS} malformed packets from the broker`;
  conclude(oracle.report({ name, rounds: PACKETS, everyArrivalIsPromised: true, notes }));
});

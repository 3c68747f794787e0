import type { Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { ScriptedBroker, type ScriptedConnection } from '../helpers/scripted-broker.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

/** What a broker does about the SUBSCRIBE of a ship that wants to hear requests. */
const DEEDS: Readonly<Record<string, (packet: Packet, connection: ScriptedConnection) => boolean>> = {
  refuses: (packet, connection) => {
    if (packet.cmd !== 'subscribe') return false;
    connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 0x87) });
    return true;
  },
  'never answers': ({ cmd }) => cmd === 'subscribe',
  'hangs up on': ({ cmd }, connection) => {
    if (cmd !== 'subscribe') return false;
    connection.cut();
    return true;
  },
};

const COUNT = 200;

describe('A broker that', () => {
  it.each(Object.keys(DEEDS))('%s the subscription to requests gets every change all the same', async (deed) => {
    const broker = await ScriptedBroker.start({ onPacket: DEEDS[deed]! });
    const ship = await SyncApplication.start({
      ...{ brokerUrl: broker.url, reconnectMaxS: 1, queue: { dir: queueFolder() } },
      ...{ topicPrefix: 'vessel/{vesselId}/up', inboundPrefix: 'vessel/{vesselId}/down' },
    });
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    for (const n of numbers) await ship.publisher.publish('crew', 'update', { n }, { key: `${n % 7}` });
    await broker.waitFor('subscribe');
    await ship.publisher.publish('crew', 'update', { n: COUNT }, { key: 'last' });
    await ship.drained(60_000);
    const came = () => {
      const changes = broker.packets('publish').filter(({ topic }) => topic === 'vessel/mv-test/up/crew');
      return new Set(changes.map(({ payload }) => (JSON.parse(String(payload)) as { data: { n: number } }).data.n));
    };
    await until(() => came().size === COUNT + 1, { what: () => `all changes; there are ${came().size}` });
    const [subscribe] = broker.packets('subscribe');
    expect(subscribe?.subscriptions.map(({ topic }) => topic)).toEqual([
      'vessel/mv-test/up/catchup/request',
      'vessel/mv-test/down/catchup/request',
    ]);
    // Asked for a bounded number of times, whatever the broker does.
    expect(broker.packets('subscribe').length).toBeLessThanOrEqual(4);
  });
});

import { describe, expect, it } from 'vitest';
import { connectionScene, MESSAGE } from '../../../test/helpers/connection-scene.js';
import type { BrokerScript, ScriptedBroker } from '../../../test/helpers/scripted-broker.js';
import { TcpProxy } from '../../../test/helpers/tcp-proxy.js';
import { until } from '../../../test/helpers/wait.js';

/** The broker wants a ping every second. */
const BUSY_KEEPALIVE: BrokerScript = { connack: () => ({ properties: { serverKeepAlive: 1 } }) };

describe('a keepalive that the broker made shorter', () => {
  it('does not end a connection whose answer to a ping waits behind a large message', async () => {
    let proxy: TcpProxy | undefined;
    const overSlowLink = async ({ port }: ScriptedBroker): Promise<string> => {
      proxy = await TcpProxy.start(port);
      proxy.quality.up.bytesPerSecond = 3000;
      return proxy.url;
    };
    const { connection, broker } = await connectionScene(BUSY_KEEPALIVE, {}, overSlowLink);
    connection.start();
    const link = await connection.linked();
    link.publish({ ...MESSAGE, payload: Buffer.alloc(10_000) });
    link.flush();
    await connection.acknowledged(1);
    await broker.waitFor('pingreq', 2);
    expect(connection.losses).toEqual([]);
  });

  it('is what we ping at, and our own what a dead connection is found by', async () => {
    const script: BrokerScript = { ...BUSY_KEEPALIVE, onPacket: ({ cmd }) => cmd === 'pingreq' };
    const { connection, broker } = await connectionScene(script, { keepaliveS: 2 });
    const startedAtMs = performance.now();
    connection.start();
    await connection.linked();
    await broker.waitFor('pingreq');
    await until(() => connection.losses.length > 0, { what: 'the loss' });
    expect(connection.losses[0]).toMatchObject({ by: 'network', reason: 'Keepalive timeout' });
    // One and a half times ours; the timers of Node may be a little early.
    expect(performance.now() - startedAtMs).toBeGreaterThan(2900);
  });
});

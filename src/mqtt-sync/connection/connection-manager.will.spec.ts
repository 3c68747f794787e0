import type { IConnectPacket } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { connectionScene } from '../../../test/helpers/connection-scene.js';
import type { BrokerScript } from '../../../test/helpers/scripted-broker.js';

const RETAIN_NOT_SUPPORTED = 0x9a;

const will = () => ({ topic: 'v/status', payload: Buffer.from('offline'), qos: 1, retain: true }) as const;
const identity = { will };

const retainsNothing = ({ will: asked }: IConnectPacket) =>
  asked?.retain ? { reasonCode: RETAIN_NOT_SUPPORTED } : { properties: { retainAvailable: false } };

const wills = (connects: readonly IConnectPacket[]) => connects.map((connect) => connect.will?.retain);

describe('ConnectionManager: a broker that keeps no retained messages', () => {
  it('gets the will without the retain flag at once, which is told once and not counted', async () => {
    const { connection, broker } = await connectionScene({ connack: retainsNothing }, { identity });
    connection.start();
    expect((await connection.linked()).limits.retainAvailable).toBe(false);
    expect(wills(broker.packets('connect'))).toEqual([true, false]);
    expect(connection.story).toEqual(['connected', 'linked']);
    expect(connection.manager.reconnectAttempts).toBe(0);
    expect(connection.logger.matching(/^warn/)).toEqual([expect.stringMatching(/keeps no retained messages/)]);
  });

  it('is remembered over outages, and asked with 3.1.1 without the flag too', async () => {
    let only311 = false;
    const connack: BrokerScript['connack'] = (connect) =>
      only311 && connect.protocolVersion === 5 ? { reasonCode: 0x84 } : retainsNothing(connect);
    const { connection, broker, retry } = await connectionScene({ connack }, { identity });
    connection.start();
    for (let link = 1; link <= 3; link++) {
      await connection.linked(link);
      only311 = link > 1;
      broker.last.cut();
      await retry();
    }
    await connection.linked(4);
    expect(
      wills(broker.packets('connect'))
        .slice(1)
        .every((retain) => retain === false),
    ).toBe(true);
    expect(broker.packets('connect').at(-1)).toMatchObject({ protocolVersion: 4 });
    expect(connection.logger.matching(/last will/)).toHaveLength(1);
  });

  it('gets a retained will again when it keeps retained messages by then, or "online" would stay there', async () => {
    const script: BrokerScript = { connack: retainsNothing };
    const { connection, broker, retry } = await connectionScene(script, { identity });
    connection.start();
    await connection.linked();
    broker.script = {};
    for (let link = 2; link <= 3; link++) {
      broker.last.cut();
      await retry();
      await connection.linked(link);
    }
    expect(wills(broker.packets('connect'))).toEqual([true, false, false, true]);
  });

  it.each([
    ['that refuses a will without the flag as well', identity, [true, false, false]],
    ['that says so to who has no will', { will: undefined }, [undefined, undefined]],
  ])('is a misconfiguration like any other, retried slowly, when it is one %s', async (_what, who, asked) => {
    const { connection, broker, retry } = await connectionScene(
      { connack: () => ({ reasonCode: RETAIN_NOT_SUPPORTED }) },
      { identity: who },
    );
    connection.start();
    expect(await retry()).toBeGreaterThanOrEqual(500);
    await broker.waitFor('connect', asked.length);
    expect(wills(broker.packets('connect'))).toEqual(asked);
  });
});

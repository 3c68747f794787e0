import { describe, expect, it } from 'vitest';
import { connectionScene } from '../../../test/helpers/connection-scene.js';
import type { BrokerScript, ScriptedBroker } from '../../../test/helpers/scripted-broker.js';
import { bridgeWebSocket } from '../../../test/helpers/web-socket-bridge.js';

const overWebSocket = ({ port }: ScriptedBroker): Promise<string> => bridgeWebSocket(port);

describe('ConnectionManager: protocol version', () => {
  const only311 = (code: number): BrokerScript => ({
    connack: ({ protocolVersion }) => (protocolVersion === 5 ? { reasonCode: code } : {}),
  });

  it.each([0x01, 0x84])('falls back to 3.1.1 at once on refusal %i, without counting it', async (code) => {
    const { connection, broker } = await connectionScene(only311(code));
    connection.start();
    expect((await connection.linked()).protocol).toBe('3.1.1');
    expect(connection.story).toEqual(['connected', 'linked']);
    expect(connection.manager.reconnectAttempts).toBe(0);
    expect(broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4]);
    expect(connection.logger.matching(/^warn/)).toEqual([]);
    expect(connection.logger.matching(/does not speak MQTT 5/)).toHaveLength(1);
  });

  it('tries 5 first in each new outage', async () => {
    const { connection, broker, retry } = await connectionScene(only311(0x84));
    connection.start();
    await connection.linked();
    broker.last.cut();
    await retry();
    await connection.linked(2);
    expect(broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4, 5, 4]);
    expect(connection.story.filter((line) => line.startsWith('reconnecting'))).toEqual(['reconnecting 1']);
  });

  it('does not fall back on any other refusal', async () => {
    const { connection, broker, retry } = await connectionScene({ connack: () => ({ reasonCode: 0x87 }) });
    connection.start();
    await retry();
    await broker.waitFor('connect', 2);
    expect(broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 5]);
  });

  it('does not fall back when the version is configured', async () => {
    const { connection, broker, retry } = await connectionScene(only311(0x84), { protocol: '5' });
    connection.start();
    await retry();
    await broker.waitFor('connect', 2);
    expect(broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 5]);
  });

  it('waits when the broker refuses both versions', async () => {
    const current = await connectionScene({ connack: () => ({ reasonCode: 0x01 }) });
    current.connection.start();
    expect(await current.retry()).toBeGreaterThanOrEqual(500);
    await current.broker.waitFor('connect', 4);
    expect(current.broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4, 5, 4]);
  });

  it('alternates after five connections closed without a word', async () => {
    const { connection, broker, retry } = await connectionScene({
      connack: ({ protocolVersion }) => (protocolVersion === 5 ? 'close' : {}),
    });
    connection.start();
    for (let attempt = 0; attempt < 5; attempt++) await retry();
    expect((await connection.linked()).protocol).toBe('3.1.1');
    expect(broker.packets('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 5, 5, 5, 5, 4]);
    expect(connection.logger.matching(/without an answer/)).toHaveLength(1);
  });
});

describe('ConnectionManager: a session that began on MQTT 5 and goes on at 3.1.1', () => {
  /** Accepts MQTT 5 once and hangs up on it then; says that it has a session on every connection but the first. */
  const turnsOld: BrokerScript = {
    connack: ({ protocolVersion }, n) =>
      protocolVersion === 5 && n > 1 ? { reasonCode: 0x84 } : { sessionPresent: n > 1 },
  };

  it('is wiped, and not resumed: QoS 2 of it would be overtaken, or take the room of what is sent beside it', async () => {
    const { connection, broker, retry } = await connectionScene(turnsOld);
    connection.start();
    await connection.linked();
    broker.last.cut();
    await retry();
    // What is found after the wipe is empty, whatever the broker says.
    expect(await connection.linked(2)).toMatchObject({ protocol: '3.1.1', sessionPresent: false });
    const connects = broker.packets('connect').map(({ protocolVersion, clean }) => [protocolVersion, clean]);
    expect(connects.slice(2)).toEqual([
      [4, true],
      [4, false],
    ]);
    expect(connection.manager.reconnectAttempts).toBe(0);
    broker.last.cut();
    await retry();
    // From then on it is a session of 3.1.1.
    expect(await connection.linked(3)).toMatchObject({ protocol: '3.1.1', sessionPresent: true });
  });

  it('is kept when it is a lasting one: a receiver has its subscriptions and what came for them in it', async () => {
    const { connection, broker, retry } = await connectionScene(turnsOld, { identity: { session: 'lasting' } });
    connection.start();
    await connection.linked();
    broker.last.cut();
    await retry();
    expect(await connection.linked(2)).toMatchObject({ protocol: '3.1.1', sessionPresent: true });
  });
});

describe('ConnectionManager: backoff', () => {
  it('grows with full jitter to the cap, and counts the attempts', async () => {
    const current = await connectionScene({ connack: () => 'close' }, { reconnectMaxS: 2, protocol: '5' });
    current.connection.start();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) delays.push(await current.retry());
    expect(delays).toEqual([250, 500, 1000, 2000, 2000]);
    expect(current.connection.manager.reconnectAttempts).toBe(5);
    expect(current.connection.story).toEqual([1, 2, 3, 4, 5].map((n) => `reconnecting ${n}`));
  });

  it('does not start afresh because of a CONNACK alone, but does on confirm()', async () => {
    const current = await connectionScene();
    const { connection, broker } = current;
    connection.start();
    const delays: number[] = [];
    for (let link = 1; link <= 5; link++) {
      await connection.linked(link);
      expect(connection.manager.reconnectAttempts).toBe(0);
      if (link === 4) connection.manager.confirm();
      broker.last.cut();
      delays.push(await current.retry());
    }
    expect(delays).toEqual([250, 500, 1000, 250, 500]);
  });

  it('starts afresh after a connection that lived for more than 30 s', async () => {
    const current = await connectionScene();
    const { connection, broker, clock } = current;
    connection.start();
    const delays: number[] = [];
    for (let link = 1; link <= 3; link++) {
      await connection.linked(link);
      if (link === 3) clock.advance(30_001);
      broker.last.cut();
      delays.push(await current.retry());
    }
    expect(delays).toEqual([250, 500, 250]);
  });

  it('may wait up to 30 s after a refusal that passes', async () => {
    const current = await connectionScene({ connack: () => ({ reasonCode: 0x88 }) }, { reconnectMaxS: 1 });
    current.connection.start();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) delays.push(await current.retry());
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
  });

  it('retries a misconfiguration slowly', async () => {
    const current = await connectionScene({ connack: () => ({ reasonCode: 0x86 }) }, { random: () => 0 });
    current.connection.start();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) delays.push(await current.retry());
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
    expect(current.connection.manager.lastFailure).toBe(
      'the broker refused the connection: Bad User Name or Password (0x86)',
    );
  });
});

describe('ConnectionManager: a client id used twice', () => {
  it('waits at least 30 s when its session was taken over, and names the client id', async () => {
    const current = await connectionScene({}, { random: () => 0, identity: { clientId: 'arus_sync_ship' } });
    const { connection, broker } = current;
    connection.start();
    await connection.linked();
    broker.last.send({ cmd: 'disconnect', reasonCode: 0x8e });
    expect(await current.retry()).toBe(30_000);
    expect(connection.logger.matching(/^error .*arus_sync_ship/)).toHaveLength(1);
  });

  it.each([
    { protocol: '3.1.1', tolerated: 3 },
    { protocol: '5', tolerated: 8 },
  ] as const)('suspects it on $protocol after more than $tolerated early closes of an idle link', async (given) => {
    const { protocol, tolerated } = given;
    const current = await connectionScene({}, { protocol, random: () => 0, identity: { clientId: 'twice' } });
    const { connection, broker } = current;
    connection.start();
    const delays: number[] = [];
    for (let link = 1; link <= tolerated + 1; link++) {
      await connection.linked(link);
      broker.last.close();
      delays.push(await current.retry());
    }
    expect(delays).toEqual([...Array<number>(tolerated).fill(10), 30_000]);
    expect(connection.logger.matching(/^error .*twice/)).toHaveLength(1);
  });

  it('suspects it over a WebSocket, too', async () => {
    const current = await connectionScene({}, { protocol: '3.1.1', random: () => 0 }, overWebSocket);
    const { connection, broker } = current;
    connection.start();
    for (let link = 1; link <= 4; link++) {
      await connection.linked(link);
      broker.last.close();
      expect(await current.retry()).toBe(link === 4 ? 30_000 : 10);
    }
  });

  it.each([
    { transport: 'TCP', reach: undefined },
    { transport: 'a WebSocket', reach: overWebSocket },
  ])('does not suspect it when a network resets the connections over $transport', async ({ reach }) => {
    const current = await connectionScene({}, { protocol: '3.1.1', random: () => 0 }, reach);
    const { connection, broker } = current;
    connection.start();
    for (let link = 1; link <= 5; link++) {
      await connection.linked(link);
      broker.last.cut();
      expect(await connection.lost(link)).toMatchObject({ by: 'peer', reason: 'read ECONNRESET' });
      expect(await current.retry()).toBe(10);
    }
  });

  it('does not suspect it when something was in flight: then a message is to blame', async () => {
    const current = await connectionScene({}, { protocol: '3.1.1', random: () => 0, unacknowledged: () => 1 });
    const { connection, broker } = current;
    connection.start();
    for (let link = 1; link <= 5; link++) {
      await connection.linked(link);
      broker.last.close();
      expect(await current.retry()).toBe(10);
    }
  });

  it.each(['3.1.1', '5'] as const)(
    'does not suspect it when the broker of %s hangs up on a SUBSCRIBE, and names what was subscribed to',
    async (protocol) => {
      const script: BrokerScript = {
        onPacket: ({ cmd }, connection) => {
          if (cmd === 'subscribe') connection.close();
          return cmd === 'subscribe';
        },
      };
      const { connection, retry } = await connectionScene(script, { protocol, random: () => 0 });
      connection.start();
      for (let count = 1; count <= 10; count++) {
        const link = await connection.linked(count);
        void link.subscribe(['a', 'b', 'c', 'd', 'e'].map((level) => ({ filter: `up/${level}`, qos: 1 })));
        expect((await connection.lost(count)).reason).toBe(
          'the broker closed the connection, while subscribing to up/a, up/b, up/c and 2 more',
        );
        expect(await retry()).toBe(10);
      }
      expect(connection.logger.matching(/^error/)).toEqual([]);
    },
  );

  it('reconnects more slowly when busy links keep ending early, however much is acknowledged', async () => {
    const current = await connectionScene({}, { unacknowledged: () => 1 });
    const { connection, broker } = current;
    connection.start();
    const delays: number[] = [];
    for (let link = 1; link <= 23; link++) {
      await connection.linked(link);
      connection.manager.confirm();
      broker.last.close();
      delays.push(await current.retry());
    }
    expect(delays.slice(0, 20)).toEqual(Array(20).fill(250));
    expect(delays.slice(20)).toEqual([250, 500, 1000]);
    expect(connection.logger.matching(/^error .*keeps ending our connections/)).toHaveLength(1);
  });

  it('does not suspect it when the connections live longer than 5 s', async () => {
    const current = await connectionScene({}, { protocol: '3.1.1', random: () => 0 });
    const { connection, broker, clock } = current;
    connection.start();
    for (let link = 1; link <= 5; link++) {
      await connection.linked(link);
      clock.advance(5001);
      broker.last.close();
      expect(await current.retry()).toBe(10);
    }
  });
});

describe('ConnectionManager: log', () => {
  it('thins the attempts, and tells each reason once until it changes', async () => {
    const code = { current: 0x88 };
    const current = await connectionScene({ connack: () => ({ reasonCode: code.current }) }, { random: () => 0 });
    current.connection.start();
    for (let attempt = 1; attempt <= 121; attempt++) {
      if (attempt === 50) code.current = 0x89;
      await current.retry();
    }
    const attempts = current.connection.logger.matching(/attempt \d+$/).map((line) => Number(/\d+$/.exec(line)?.[0]));
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    expect(current.connection.logger.matching(/^warn Cannot connect/)).toHaveLength(2);
  });
});

import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectionTo } from '../../../test/helpers/connection.js';
import { connectionScene, MESSAGE } from '../../../test/helpers/connection-scene.js';
import { listen } from '../../../test/helpers/ports.js';
import { until, within } from '../../../test/helpers/wait.js';

describe('ConnectionManager: session', () => {
  it('begins a clean session, and resumes it on later connections', async () => {
    const { broker, connection, retry } = await connectionScene({ connack: (_c, n) => ({ sessionPresent: n > 1 }) });
    connection.start();
    expect((await connection.linked(1)).sessionPresent).toBe(false);
    broker.last.cut();
    await retry();
    expect((await connection.linked(2)).sessionPresent).toBe(true);
    const [first, second] = broker.packets('connect');
    expect(first).toMatchObject({ protocolVersion: 5, clean: true, keepalive: 60 });
    expect(second).toMatchObject({ protocolVersion: 5, clean: false, clientId: first?.clientId });
    for (const connect of [first, second]) expect(connect?.properties).toEqual({ sessionExpiryInterval: 604_800 });
  });

  it.each([
    ['5', { sessionExpiryInterval: 0 }],
    ['3.1.1', undefined],
  ] as const)(
    'begins a clean session each time that ends with its connection, if told so, on %s',
    async (protocol, properties) => {
      const { broker, connection, retry } = await connectionScene(
        { connack: () => ({ sessionPresent: true }) },
        { protocol, resumeSession: false },
      );
      connection.start();
      expect((await connection.linked(1)).sessionPresent).toBe(false);
      broker.last.cut();
      await retry();
      expect((await connection.linked(2)).sessionPresent).toBe(false);
      const connects = broker.packets('connect');
      expect(connects).toHaveLength(2);
      for (const connect of connects) {
        expect(connect.clean).toBe(true);
        expect(connect.properties).toEqual(properties);
      }
    },
  );

  it('resumes a lasting session all the same: it is a receiver’s, and holds its subscriptions', async () => {
    const options = { resumeSession: false, identity: { session: 'lasting' as const } };
    const { broker, connection } = await connectionScene({ connack: () => ({ sessionPresent: true }) }, options);
    connection.start();
    expect((await connection.linked()).sessionPresent).toBe(true);
    expect(broker.packets('connect')[0]).toMatchObject({ clean: false });
  });

  it('stays with a clean session until a connection was accepted', async () => {
    const { broker, connection, retry } = await connectionScene({
      connack: (_c, n) => (n === 1 ? { reasonCode: 0x88 } : {}),
    });
    connection.start();
    await retry();
    await connection.linked();
    expect(broker.packets('connect').map(({ clean }) => clean)).toEqual([true, true]);
  });

  it('does not believe in a session that it asked the broker to forget', async () => {
    const { connection } = await connectionScene({ connack: () => ({ sessionPresent: true }) });
    connection.start();
    expect((await connection.linked()).sessionPresent).toBe(false);
  });

  it('ends the session with an orderly stop on MQTT 5', async () => {
    const { broker, connection } = await connectionScene();
    connection.start();
    await connection.linked();
    await connection.manager.stop(2000);
    const [disconnect] = await broker.waitFor('disconnect');
    expect(disconnect).toMatchObject({ reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    expect(connection.losses).toEqual([{ by: 'local', reason: 'stopped', reasonCode: undefined }]);
    expect(connection.manager.state).toBe('stopped');
  });

  it('has a session that lasts from its first connection on MQTT 3.1.1 as well', async () => {
    const { broker, connection, retry } = await connectionScene(
      { connack: (_c, n) => ({ sessionPresent: n > 1 }) },
      { protocol: '3.1.1' },
    );
    connection.start();
    expect(await connection.linked()).toMatchObject({ sessionPresent: false });
    broker.last.close();
    await retry();
    expect(await connection.linked(2)).toMatchObject({ protocol: '3.1.1', sessionPresent: true });
    expect(broker.packets('connect').map(({ clean }) => clean)).toEqual([false, false]);
  });

  it('wipes a session that an earlier process left on a 3.1.1 broker, at once and without counting it', async () => {
    const { broker, connection } = await connectionScene(
      { connack: (_c, n) => ({ sessionPresent: n === 1 }) },
      { protocol: '3.1.1' },
    );
    connection.start();
    expect(await connection.linked()).toMatchObject({ sessionPresent: false });
    expect(broker.packets('connect').map(({ clean }) => clean)).toEqual([false, true, false]);
    // In order, so that the broker does not publish the will.
    expect(broker.packets('disconnect')).toHaveLength(2);
    expect(connection.story).toEqual(['connected', 'linked']);
    expect(connection.manager.reconnectAttempts).toBe(0);
  });

  it('wipes once, also for a 3.1.1 broker that always claims to have a session', async () => {
    const { broker, connection } = await connectionScene(
      { connack: () => ({ sessionPresent: true }) },
      { protocol: '3.1.1' },
    );
    connection.start();
    await connection.linked();
    expect(broker.packets('connect').map(({ clean }) => clean)).toEqual([false, true, false]);
  });

  it('goes on after the connect timeout when a broker does not close a connection that only wipes', async () => {
    const { connection, clock } = await connectionScene(
      {
        connack: (_c, n) => ({ sessionPresent: n === 1 }),
        onPacket: ({ cmd }) => cmd === 'disconnect',
      },
      { protocol: '3.1.1' },
    );
    connection.start();
    // Time goes on all along: a timeout that hits an attempt which was only slow is followed by the next attempt.
    await until(() => (clock.advance(500), connection.links.length > 0), { what: 'a link' });
  });

  it('sends the last will', async () => {
    const will = { topic: 'v/status', payload: Buffer.from('offline'), qos: 1, retain: true } as const;
    const { broker, connection } = await connectionScene(
      {},
      { identity: { clientId: 'arus_sync_x', will: () => will } },
    );
    connection.start();
    await connection.linked();
    expect(broker.packets('connect')[0]).toMatchObject({ clientId: 'arus_sync_x', will });
  });
});

describe('ConnectionManager: limits of the broker', () => {
  it('reports what the CONNACK says', async () => {
    const properties = {
      receiveMaximum: 7,
      maximumPacketSize: 1000,
      maximumQoS: 1,
      retainAvailable: false,
      topicAliasMaximum: 9,
    };
    const { connection } = await connectionScene({ connack: () => ({ properties }) });
    connection.start();
    expect((await connection.linked()).limits).toEqual({
      receiveMaximum: 7,
      maximumPacketSize: 1000,
      maximumQos: 1,
      retainAvailable: false,
      topicAliasMaximum: 9,
    });
  });

  it('assumes the maxima of the protocol where the CONNACK says nothing', async () => {
    const { connection } = await connectionScene();
    connection.start();
    expect((await connection.linked()).limits).toEqual({
      receiveMaximum: 65_535,
      maximumPacketSize: 268_435_460,
      maximumQos: 2,
      retainAvailable: true,
      topicAliasMaximum: 0,
    });
  });
});

describe('ConnectionManager: acknowledgements', () => {
  it('reports reason codes, and leaves refusals to the observer', async () => {
    const { connection, broker } = await connectionScene({ ack: ({ messageId }) => (messageId === 2 ? 0x97 : 0) });
    connection.start();
    const link = await connection.linked();
    link.publish(MESSAGE);
    link.publish({ ...MESSAGE, qos: 2, packetId: 2, dup: true });
    link.publish({ ...MESSAGE, qos: 2, packetId: 65_535 });
    link.flush();
    await connection.acknowledged(3);
    link.release(65_535);
    link.flush();
    await connection.acknowledged(4);
    expect(connection.acknowledgements).toEqual([
      { type: 'puback', packetId: 1, reasonCode: 0 },
      { type: 'pubrec', packetId: 2, reasonCode: 0x97 },
      { type: 'pubrec', packetId: 65_535, reasonCode: 0 },
      { type: 'pubcomp', packetId: 65_535, reasonCode: 0 },
    ]);
    expect(broker.packets('publish').map(({ dup }) => dup)).toEqual([false, true, false]);
    expect(connection.manager.isConnected).toBe(true);
  });

  it('has reason code 0 on 3.1.1', async () => {
    const { connection } = await connectionScene({}, { protocol: '3.1.1' });
    connection.start();
    const link = await connection.linked();
    link.publish(MESSAGE);
    link.flush();
    await connection.acknowledged(1);
    expect(connection.acknowledgements).toEqual([{ type: 'puback', packetId: 1, reasonCode: 0 }]);
  });

  it('delivers what arrived before a close, then the loss, and nothing after it', async () => {
    const { connection, broker } = await connectionScene({
      onPacket: (packet, peer) => {
        if (packet.cmd !== 'publish' || packet.messageId !== 100) return packet.cmd === 'publish';
        for (let messageId = 1; messageId <= 100; messageId++) peer.send({ cmd: 'puback', messageId, reasonCode: 0 });
        peer.send({ cmd: 'disconnect', reasonCode: 0x8b });
        peer.close();
        return true;
      },
    });
    connection.start();
    const link = await connection.linked();
    for (let packetId = 1; packetId <= 100; packetId++) link.publish({ ...MESSAGE, packetId });
    link.flush();
    const loss = await connection.lost();
    expect(connection.acknowledgements).toHaveLength(100);
    expect(loss).toMatchObject({ by: 'server_disconnect', reasonCode: 0x8b });
    expect(broker.connections).toHaveLength(1);
  });

  it('tells when everything written has left', async () => {
    const { connection } = await connectionScene({ ack: () => 'withhold' });
    connection.start();
    const link = await connection.linked();
    link.publish(MESSAGE);
    expect(link.bufferedBytes).toBe(link.packetBytes(MESSAGE));
    expect(connection.drains).toBe(0);
    link.flush();
    await until(() => connection.drains > 0, { what: 'drained' });
    expect(link.bufferedBytes).toBe(0);
  });
});

describe('ConnectionManager: stop', () => {
  it('resolves at once while waiting, and never dials again', async () => {
    const { connection, broker, clock } = await connectionScene({ connack: () => 'close' });
    connection.start();
    await until(() => connection.manager.state === 'waiting', { what: 'waiting' });
    await connection.manager.stop(10_000);
    expect(clock.pendingTimers).toBe(0);
    clock.advance(100_000);
    expect(broker.connections).toHaveLength(1);
    expect(connection.manager.state).toBe('stopped');
  });

  it('is bounded when the broker does not read and does not close', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
        socket.pause();
      });
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
    });
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const connection = connectionTo({ brokerUrl: `mqtt://127.0.0.1:${port}` });
    connection.start();
    const link = await connection.linked();
    const payload = Buffer.alloc(1024 * 1024);
    for (let packetId = 1; packetId <= 16; packetId++) link.publish({ ...MESSAGE, payload, packetId });
    link.flush();
    expect(link.bufferedBytes).toBeGreaterThan(1024 * 1024);
    const startedMs = performance.now();
    await within(connection.manager.stop(300), { deadlineMs: 2000, what: 'stop' });
    expect(performance.now() - startedMs).toBeGreaterThan(250);
    expect(connection.losses).toHaveLength(1);
  });

  it('can be called before the start, and twice', async () => {
    const { connection, broker } = await connectionScene();
    await Promise.all([connection.manager.stop(1000), connection.manager.stop(1000)]);
    connection.start();
    expect(connection.manager.state).toBe('stopped');
    expect(broker.connections).toHaveLength(0);
  });

  it('can be called by the observer that is told of a loss', async () => {
    const { connection, broker, clock } = await connectionScene();
    connection.manager.observe({
      linked() {},
      acknowledged() {},
      drained() {},
      lost: () => void connection.manager.stop(1000),
    });
    connection.start();
    await until(() => connection.manager.isConnected, { what: 'connected' });
    broker.last.cut();
    await until(() => connection.manager.state === 'stopped', { what: 'stopped' });
    expect(clock.pendingTimers).toBe(0);
  });
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import type { OutgoingPublish } from '../../src/mqtt-sync/connection/link.js';
import { CertificateAuthority } from '../helpers/certificates.js';
import { connectionTo, hurriedClock, type RecordedConnection } from '../helpers/connection.js';
import { MESSAGE } from '../helpers/connection-scene.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { bridgeWebSocket } from '../helpers/web-socket-bridge.js';

/** Backoffs are a hundredth of what they are in the field. */
const clock = hurriedClock(100);
/** A tenth of a second is not enough for every CONNACK. */
const hurried = { clock, connectTimeoutMs: 600_000 };

/** What Mosquitto answers to a message that nobody is subscribed to: "No matching subscribers". */
const NO_SUBSCRIBERS = 0x10;

/** Publishes and waits for the acknowledgement. */
async function delivers(connection: RecordedConnection, packet: Partial<OutgoingPublish> = {}): Promise<void> {
  const link = connection.links.at(-1);
  const before = connection.acknowledgements.length;
  link?.publish({ ...MESSAGE, ...packet });
  link?.flush();
  await connection.acknowledged(before + 1);
}

/** Sends a QoS 2 message, cuts the link as if PUBREC had been lost, and sends it again with DUP on the resumed session. */
async function deliverAcrossCut(connection: RecordedConnection, proxy: TcpProxy): Promise<void> {
  const message = { qos: 2, packetId: 3, payload: Buffer.from('once') } as const;
  await delivers(connection, message);
  proxy.cut();
  const link = await connection.linked(connection.links.length + 1);
  expect(link.sessionPresent).toBe(true);
  await delivers(connection, { ...message, dup: true });
  link.release(3);
  link.flush();
  await until(() => connection.acknowledgements.at(-1)?.type === 'pubcomp', { what: 'PUBCOMP' });
}

/** Subscribes with a plain client; returns what it receives, as text. */
async function subscriber(url: string, topic: string): Promise<string[]> {
  const received: string[] = [];
  const client = connect(url);
  onTestFinished(() => void client.end(true));
  client.on('message', (_topic, payload) => received.push(String(payload)));
  await until(() => client.connected, { what: 'the subscriber to connect' });
  await client.subscribeAsync(topic, { qos: 2 });
  return received;
}

describeWithMosquitto('A connection to Mosquitto', () => {
  it.each(['5', '3.1.1'] as const)('delivers QoS 1 and QoS 2 on MQTT %s, and stops', async (protocol) => {
    const broker = await Mosquitto.start();
    const received = await subscriber(broker.url, '#');
    const connection = connectionTo({ brokerUrl: broker.url, protocol });
    connection.start();
    const link = await connection.linked();
    link.publish({ ...MESSAGE, payload: Buffer.from('one'), packetId: 7 });
    link.publish({ ...MESSAGE, payload: Buffer.from('two'), qos: 2, packetId: 8 });
    link.flush();
    await connection.acknowledged(2);
    link.release(8);
    link.flush();
    await connection.acknowledged(3);
    expect(connection.acknowledgements).toEqual([
      { type: 'puback', packetId: 7, reasonCode: 0 },
      { type: 'pubrec', packetId: 8, reasonCode: 0 },
      { type: 'pubcomp', packetId: 8, reasonCode: 0 },
    ]);
    await until(() => received.length === 2, { what: 'both messages' });
    await connection.manager.stop(1000);
    expect(connection.losses).toEqual([{ by: 'local', reason: 'stopped', reasonCode: undefined }]);
    expect(received).toEqual(['one', 'two']);
  });

  it('carries messages of 1 MiB, and reports the window of the broker', async () => {
    const broker = await Mosquitto.start({ config: 'allow_anonymous true\nmax_inflight_messages 11' });
    const received = await subscriber(broker.url, '#');
    const connection = connectionTo({ brokerUrl: broker.url });
    connection.start();
    expect((await connection.linked()).limits.receiveMaximum).toBe(11);
    await delivers(connection, { payload: Buffer.alloc(1024 * 1024, 'x') });
    await until(() => received[0]?.length === 1024 * 1024, { what: 'the large message' });
  });

  it('connects with user and password', async () => {
    const config = (folder: string): string => `allow_anonymous false\npassword_file ${join(folder, 'passwords')}`;
    const broker = await Mosquitto.start({ config, users: { ship: 'pa:ss@word%' } });
    const url = broker.url.replace('mqtt://', 'mqtt://ship:pa%3Ass%40word%25@');
    const connection = connectionTo({ brokerUrl: url });
    connection.start();
    await connection.linked();
    expect(connection.manager.broker).toBe(broker.url);
  });

  it('retries a wrong password until the password file is right', async () => {
    const config = (folder: string): string => `allow_anonymous false\npassword_file ${join(folder, 'passwords')}`;
    const broker = await Mosquitto.start({ config, users: { ship: 'right-password' } });
    const passwordFile = join(broker.folder, 'client-password');
    writeFileSync(passwordFile, 'wrong-password\n');
    const connection = connectionTo({ brokerUrl: broker.url, username: 'ship', passwordFile, ...hurried });
    connection.start();
    await until(() => connection.manager.reconnectAttempts >= 2, { what: 'two more attempts' });
    expect(connection.manager.lastFailure).toMatch(/refused the connection: Not authorized/);
    expect(connection.logger.matching(/^warn Cannot connect/)).toHaveLength(1);
    writeFileSync(passwordFile, 'right-password\n');
    await connection.linked();
    expect(connection.manager).toMatchObject({ reconnectAttempts: 0, lastFailure: undefined });
    expect(connection.logger.lines.join('\n')).not.toMatch(/(wrong|right)-password/);
  });

  it('survives a broker that is killed and started again', async () => {
    const broker = await Mosquitto.start();
    const connection = connectionTo({ brokerUrl: broker.url, ...hurried });
    connection.start();
    await connection.linked();
    await delivers(connection);
    await broker.kill();
    expect((await connection.lost()).by).toBe('peer');
    await connection.failed(/ECONNREFUSED/);
    await broker.restart();
    await connection.linked(2);
    await delivers(connection);
  });

  it('resumes its session after a cut: QoS 2 stays once', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    const received = await subscriber(broker.url, '#');
    const connection = connectionTo({ brokerUrl: proxy.url, ...hurried, protocol: '5' });
    connection.start();
    expect((await connection.linked(1)).sessionPresent).toBe(false);
    await deliverAcrossCut(connection, proxy);
    await until(() => received.length > 0, { what: 'the message' });
    expect(received).toEqual(['once']);
  });

  it('resumes its session on 3.1.1 from the first connection on', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    const received = await subscriber(broker.url, '#');
    const connection = connectionTo({ brokerUrl: proxy.url, ...hurried, protocol: '3.1.1' });
    connection.start();
    expect((await connection.linked(1)).sessionPresent).toBe(false);
    proxy.cut();
    expect((await connection.linked(2)).sessionPresent).toBe(true);
    await deliverAcrossCut(connection, proxy);
    await until(() => received.length > 0, { what: 'the message' });
    expect(received).toEqual(['once']);
  });

  it('leaves its will to the broker when it dies, not when it stops', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    const received = await subscriber(broker.url, 'status');
    const will = { topic: 'status', payload: Buffer.from('offline'), qos: 1, retain: true } as const;
    const stopped = connectionTo({
      brokerUrl: proxy.url,
      identity: { will: () => ({ ...will, payload: Buffer.from('no') }) },
    });
    stopped.start();
    await stopped.linked();
    await stopped.manager.stop(1000);
    const killed = connectionTo({ brokerUrl: proxy.url, identity: { will: () => will } });
    killed.start();
    await killed.linked();
    proxy.cut();
    await until(() => received.length > 0, { what: 'the will' });
    expect(received).toEqual(['offline']);
  });

  it('does not get into a storm with another client of the same id, and names it', async () => {
    const broker = await Mosquitto.start();
    const both = [1, 2].map(() =>
      connectionTo({ brokerUrl: broker.url, ...hurried, identity: { clientId: 'id_twice' } }),
    );
    for (const connection of both) connection.start();
    // Mosquitto 2.0 closes the older connection without a DISCONNECT, on MQTT 5 as well.
    const named = (): boolean => both.some(({ logger }) => logger.matching(/^error .*id_twice/).length > 0);
    await until(named, { what: () => `the client id in ${both.map(({ logger }) => logger.lines.join()).join()}` });
    expect(both.reduce((sum, { links }) => sum + links.length, 0)).toBeLessThan(25);
  });

  it('finds a dead link by its keepalive', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    const connection = connectionTo({ brokerUrl: proxy.url, keepaliveS: 1, ...hurried });
    connection.start();
    await connection.linked();
    proxy.blackHole();
    expect(await connection.lost()).toMatchObject({ by: 'network', reason: 'Keepalive timeout' });
    proxy.heal();
    await connection.linked(2);
    await delivers(connection);
  });

  it('gives up on a broker that accepts and stays silent, and connects when it speaks', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    proxy.blackHole(['down']);
    const connection = connectionTo({ brokerUrl: proxy.url, connectTimeoutMs: 20_000, clock });
    connection.start();
    await connection.failed(/no CONNACK/);
    proxy.heal();
    await connection.linked();
  });
});

describeWithMosquitto('A connection to Mosquitto over WebSocket', () => {
  it('connects, delivers a backlog in order, loses the link and comes back', async () => {
    const broker = await Mosquitto.start();
    const received = await subscriber(broker.url, '#');
    const proxy = await TcpProxy.start(Number(new URL(await bridgeWebSocket(broker.port)).port));
    const connection = connectionTo({ brokerUrl: `ws://127.0.0.1:${proxy.port}/mqtt`, ...hurried });
    connection.start();
    const link = await connection.linked();
    const payloads = Array.from({ length: 500 }, (_, index) => `${index} ${'x'.repeat(300)}`);
    payloads.forEach((text, index) => link.publish({ ...MESSAGE, payload: Buffer.from(text), packetId: index + 1 }));
    link.flush();
    await connection.acknowledged(500);
    expect(link.bufferedBytes).toBe(0);
    expect(connection.drains).toBeGreaterThan(0);
    proxy.cut();
    await connection.lost();
    expect((await connection.linked(2)).sessionPresent).toBe(true);
    connection.links[1]?.cut('no acknowledgement');
    expect(await connection.lost(2)).toMatchObject({ by: 'local', reason: 'no acknowledgement' });
    await connection.linked(3);
    await delivers(connection, { payload: Buffer.from('last') });
    await until(() => received.length >= 501, { what: 'every message' });
    expect(received).toEqual([...payloads, 'last']);
    await connection.manager.stop(1000);
    expect(connection.losses).toHaveLength(3);
  });

  it('reports what answers in place of a broker', async () => {
    const broker = await Mosquitto.start();
    const connection = connectionTo({ brokerUrl: `ws://127.0.0.1:${broker.port}/mqtt`, ...hurried });
    connection.start();
    await connection.failed(/./);
    expect(connection.manager.state).not.toBe('connected');
  });
});

describeWithMosquitto('A connection to Mosquitto over TLS', () => {
  async function tlsBroker(authority: CertificateAuthority, more = ''): Promise<Mosquitto> {
    const { certFile, keyFile } = authority.issueServer();
    const files = `cafile ${authority.caFile}\ncertfile ${certFile}\nkeyfile ${keyFile}`;
    return Mosquitto.start({ config: `${files}\nallow_anonymous true\n${more}` });
  }

  const secure = (broker: Mosquitto): string => broker.url.replace('mqtt:', 'mqtts:');

  it('checks the broker against an own CA', async () => {
    const authority = CertificateAuthority.create();
    const broker = await tlsBroker(authority);
    const connection = connectionTo({ brokerUrl: secure(broker), tls: { caFile: authority.caFile } });
    connection.start();
    await connection.linked();
    await delivers(connection);
    expect(connection.acknowledgements).toEqual([{ type: 'puback', packetId: 1, reasonCode: NO_SUBSCRIBERS }]);
    expect(connection.manager.tlsEnabled).toBe(true);
  });

  it('connects by name, and with enableTls in place of the scheme', async () => {
    const authority = CertificateAuthority.create();
    const broker = await tlsBroker(authority);
    const brokerUrl = `mqtt://localhost:${broker.port}`;
    const connection = connectionTo({ brokerUrl, enableTls: true, tls: { caFile: authority.caFile } });
    connection.start();
    await connection.linked();
    expect(connection.manager.broker).toBe(`mqtts://localhost:${broker.port}`);
  });

  it('refuses a broker with another name', async () => {
    const authority = CertificateAuthority.create();
    const { certFile, keyFile } = authority.issueServer('DNS:somewhere.else');
    const files = `cafile ${authority.caFile}\ncertfile ${certFile}\nkeyfile ${keyFile}`;
    const broker = await Mosquitto.start({ config: `${files}\nallow_anonymous true` });
    const connection = connectionTo({ brokerUrl: secure(broker), tls: { caFile: authority.caFile }, ...hurried });
    connection.start();
    await connection.failed(/does not match certificate/);
  });

  it('retries with a wrong CA until the CA file is right', async () => {
    const authority = CertificateAuthority.create();
    const stranger = CertificateAuthority.create('Somebody else');
    const broker = await tlsBroker(authority);
    const caFile = join(broker.folder, 'trusted.pem');
    expect(existsSync(caFile)).toBe(false);
    const connection = connectionTo({ brokerUrl: secure(broker), tls: { caFile }, ...hurried });
    connection.start();
    await connection.failed(/trusted\.pem cannot be read \(ENOENT\)/);
    writeFileSync(caFile, readFileSync(stranger.caFile));
    await connection.failed(/certificate/);
    writeFileSync(caFile, readFileSync(authority.caFile));
    await connection.linked();
  });

  it('accepts any certificate when told to, with a warning', async () => {
    const broker = await tlsBroker(CertificateAuthority.create());
    const connection = connectionTo({ brokerUrl: secure(broker), tls: { rejectUnauthorized: false } });
    connection.start();
    await connection.linked();
    expect(connection.logger.matching(/^warn .*NOT checked/)).toHaveLength(1);
  });

  it('shows its client certificate', async () => {
    const authority = CertificateAuthority.create();
    const broker = await tlsBroker(authority, 'require_certificate true\nuse_identity_as_username true');
    const tls = { caFile: authority.caFile };
    const without = connectionTo({ brokerUrl: secure(broker), tls, ...hurried });
    without.start();
    await without.failed(/./);
    const client = authority.issueClient('ship');
    const connection = connectionTo({ brokerUrl: secure(broker), tls: { ...tls, ...client } });
    connection.start();
    await connection.linked();
    expect(without.links).toHaveLength(0);
    await until(() => /u'ship'/.test(broker.log), { what: () => `the name of the certificate in: ${broker.log}` });
  });
});

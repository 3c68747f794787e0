import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectionTo, type RecordedConnectionOptions } from '../../../test/helpers/connection.js';
import { connectionScene } from '../../../test/helpers/connection-scene.js';
import { ScriptedBroker } from '../../../test/helpers/scripted-broker.js';
import { until } from '../../../test/helpers/wait.js';
import { FakeClock } from '../time/fake-clock.js';

describe('ConnectionManager: secrets', () => {
  function folder(): string {
    const path = mkdtempSync(join(tmpdir(), 'secrets-'));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  it('takes user and password from the URL, percent-decoded', async () => {
    const { connection, broker } = await connectionScene();
    const withUser = connectionTo({ brokerUrl: `mqtt://ship%40sea:p%23ss%25@127.0.0.1:${broker.port}` });
    withUser.start();
    await withUser.linked();
    expect(broker.packets('connect')[0]).toMatchObject({ username: 'ship@sea', password: Buffer.from('p#ss%') });
    expect(withUser.manager.broker).toBe(`mqtt://127.0.0.1:${broker.port}`);
    expect(connection.manager.state).toBe('idle');
  });

  it('prefers the explicit ones', async () => {
    const broker = await ScriptedBroker.start();
    const brokerUrl = `mqtt://urluser:urlpass@127.0.0.1:${broker.port}`;
    const connection = connectionTo({ brokerUrl, username: 'given', password: 'word' });
    connection.start();
    await connection.linked();
    expect(broker.packets('connect')[0]).toMatchObject({ username: 'given', password: Buffer.from('word') });
  });

  it('reads the first line of the password file at every connect', async () => {
    const passwordFile = join(folder(), 'password');
    writeFileSync(passwordFile, 'first one \r\nnot this\n');
    const { connection, broker, retry } = await connectionScene({}, { username: 'u', passwordFile });
    connection.start();
    await connection.linked();
    writeFileSync(passwordFile, 'second\n');
    broker.last.cut();
    await retry();
    await connection.linked(2);
    expect(broker.packets('connect').map(({ password }) => String(password))).toEqual(['first one ', 'second']);
  });

  it.each(['missing', 'empty', 'a folder'])('retries while the password file is %s', async (state) => {
    const path = folder();
    const passwordFile = state === 'a folder' ? path : join(path, 'password');
    if (state === 'empty') writeFileSync(passwordFile, '');
    const { connection, broker, retry } = await connectionScene({}, { username: 'u', passwordFile });
    connection.start();
    expect(await connection.failed(/./)).toContain(passwordFile);
    if (state === 'a folder') rmSync(path, { recursive: true });
    writeFileSync(passwordFile, 'now');
    await retry();
    await connection.linked();
    expect(broker.packets('connect')).toHaveLength(1);
  });

  it('retries while the TLS material cannot be used, without a crash', async () => {
    const caFile = join(folder(), 'ca.pem');
    writeFileSync(caFile, 'this is no certificate');
    const keyFile = join(folder(), 'key.pem');
    writeFileSync(keyFile, '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n');
    const certFile = keyFile;
    const { connection, retry } = await connectionScene({}, { enableTls: true, tls: { caFile, certFile, keyFile } });
    connection.start();
    await connection.failed(/./);
    await retry();
    await until(() => connection.manager.state === 'waiting', { what: 'the second attempt to fail' });
    expect(connection.logger.lines.join()).not.toContain('c2VjcmV0');
  });

  it('shows no password anywhere, whatever fails', async () => {
    const { connection, broker, retry } = await connectionScene(
      { connack: (_c, n) => ({ reasonCode: 0x86, properties: { reasonString: `hunter2x is wrong, try ${n}` } }) },
      { username: 'u', password: 'hunter2x' },
    );
    connection.start();
    await broker.waitFor('connect');
    await retry();
    await connection.failed(/try 2/);
    const said = [...connection.logger.lines, connection.manager.lastFailure, connection.manager.broker].join('\n');
    expect(said).toContain('*** is wrong');
    expect(said).not.toContain('hunter2x');
  });

  it('warns of TLS files that a connection without TLS does not use', () => {
    const warnings = (options: RecordedConnectionOptions) => {
      const connection = connectionTo(options);
      connection.start();
      return connection.logger.matching(/^warn .*TLS files are set/);
    };
    const tls = { caFile: '/etc/broker-ca.pem' };
    expect(warnings({ brokerUrl: 'mqtt://127.0.0.1:1', tls })).toEqual([
      expect.stringContaining('the connection is mqtt, without TLS: they are not used. Use mqtts'),
    ]);
    expect(warnings({ brokerUrl: 'ws://127.0.0.1:1', tls })).toEqual([expect.stringContaining('Use wss')]);
    expect(warnings({ brokerUrl: 'mqtts://127.0.0.1:1', tls })).toEqual([]);
    expect(warnings({ brokerUrl: 'mqtt://127.0.0.1:1' })).toEqual([]);
  });

  it('warns of a password in the clear, unless it stays on this machine', () => {
    const started = (options: RecordedConnectionOptions): string[] => {
      const connection = connectionTo({ ...options, clock: new FakeClock() });
      connection.start();
      return connection.logger.matching(/^warn .*in the clear/);
    };
    expect(started({ brokerUrl: 'mqtt://u:pass@broker.invalid' })).toHaveLength(1);
    expect(started({ brokerUrl: 'mqtt://u@broker.invalid', passwordFile: '/nowhere' })).toHaveLength(1);
    expect(started({ brokerUrl: 'mqtts://u:pass@broker.invalid' })).toHaveLength(0);
    expect(started({ brokerUrl: 'mqtt://broker.invalid' })).toHaveLength(0);
    for (const host of ['localhost', '127.9.9.9', '[::1]']) {
      expect(started({ brokerUrl: `mqtt://u:pass@${host}:1` })).toHaveLength(0);
    }
  });

  it('warns at every start when certificates are not checked, and tells the TLS status', () => {
    const unchecked = {
      brokerUrl: 'mqtts://broker.invalid',
      tls: { rejectUnauthorized: false },
      clock: new FakeClock(),
    };
    for (let start = 0; start < 2; start++) {
      const connection = connectionTo(unchecked);
      connection.start();
      expect(connection.logger.matching(/^warn .*NOT checked/)).toHaveLength(1);
      expect(connection.logger.matching(/TLS on/)).toHaveLength(1);
    }
  });
});

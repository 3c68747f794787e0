import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSmokeOptions, SmokeUsageError } from './smoke-options.js';

const URL = ['--url', 'http://ship:5000/'];

describe('the options of the smoke test', () => {
  it('take the token and the credentials of the broker from the environment', () => {
    const env = { SYNC_INGRESS_TOKEN: 'T', MQTT_USERNAME: 'shore', MQTT_PASSWORD: 'P', MQTT_TLS_CA_FILE: 'ca.crt' };
    const options = readSmokeOptions([...URL, '--broker', 'mqtts://broker:8884'], env);
    expect(options).toMatchObject({ url: 'http://ship:5000', token: 'T', timeoutMs: 30_000, json: false });
    expect(options?.broker).toMatchObject({
      username: 'shore',
      password: 'P',
      tlsEnabled: true,
      tls: { caFile: 'ca.crt' },
    });
  });

  it('take the token from a file: the option first, then the variable, then the token itself', () => {
    const folder = mkdtempSync(join(tmpdir(), 'smoke-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [one, other] = ['one', 'other'].map((name) => {
      writeFileSync(join(folder, name), `token-${name} \nand more\n`);
      return join(folder, name);
    }) as [string, string];
    const env = { SYNC_INGRESS_TOKEN_FILE: other, SYNC_INGRESS_TOKEN: 'T' };
    expect(readSmokeOptions([...URL, '--token-file', one], env)?.token).toBe('token-one');
    expect(readSmokeOptions(URL, env)?.token).toBe('token-other');
    expect(readSmokeOptions(URL, { ...env, SYNC_INGRESS_TOKEN_FILE: '' })?.token).toBe('T');
    expect(() => readSmokeOptions(URL, { SYNC_INGRESS_TOKEN_FILE: folder })).toThrow(/TOKEN_FILE: .*EISDIR/);
    writeFileSync(one, 'secret-of-ours with blanks');
    expect(() => readSmokeOptions([...URL, '--token-file', one], {})).toThrow(
      /--token-file: the first line of \S+ is no/,
    );
  });

  it('watch from the metrics without a broker, and count an empty variable as unset', () => {
    expect(readSmokeOptions(URL, { SYNC_INGRESS_TOKEN: '', MQTT_PASSWORD: 'P' })).toMatchObject({
      token: undefined,
      broker: undefined,
    });
  });

  it('are not read when help is asked for', () => {
    expect(readSmokeOptions(['--help'], {})).toBeUndefined();
  });

  it.each([
    ['no URL', [], /--url is missing/],
    ['a URL of another kind', ['--url', 'mqtt://x'], /--url: expected http/],
    ['a timeout of nothing', [...URL, '--timeout', '0'], /--timeout/],
    ['a broker that is none', [...URL, '--broker', 'http://x'], /--broker: .*mqtt, mqtts, ws or wss/],
    ['half a client certificate', [...URL, '--broker', 'mqtts://x', '--cert', 'a'], /certFile and keyFile/],
    [
      'a file that is not there',
      [...URL, '--token-file', '/nowhere/token'],
      /\/nowhere\/token cannot be read \(ENOENT\)/,
    ],
    ['an unknown option', [...URL, '--tokn', 'secret-of-ours'], /--tokn/],
  ])('refuse %s, and say so', (_what, args, message) => {
    const attempt = () => readSmokeOptions(args, {});
    expect(attempt).toThrow(SmokeUsageError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/secret-of-ours/);
  });
});

import { describe, expect, it } from 'vitest';
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

import { describe, expect, it } from 'vitest';
import { parseBrokerAddress } from './broker-address.js';

describe('parseBrokerAddress', () => {
  it.each([
    ['mqtt://h', false, 'mqtt://h:1883'],
    ['mqtt://h', true, 'mqtts://h:8883'],
    ['mqtts://h', false, 'mqtt://h:1883'],
    ['mqtts://h:1', true, 'mqtts://h:1'],
    ['ws://h/mqtt', false, 'ws://h:80'],
    ['ws://h:9001', true, 'wss://h:9001'],
    ['wss://h:443/x?token=secret', true, 'wss://h:443'],
    ['mqtt://u:p@[fe80::1]:1884', false, 'mqtt://[fe80::1]:1884'],
  ])('dials %s with TLS %s as %s', (url, tlsEnabled, shown) => {
    expect(parseBrokerAddress(url, tlsEnabled).shown).toBe(shown);
  });

  it('keeps path and query of a WebSocket, and nothing of the kind for TCP', () => {
    expect(parseBrokerAddress('ws://h/mqtt?token=secret', false).path).toBe('/mqtt?token=secret');
    expect(parseBrokerAddress('mqtt://h/mqtt', false).path).toBeUndefined();
  });

  it('decodes credentials, and takes a bare percent sign as it stands', () => {
    expect(parseBrokerAddress('mqtt://a%40b:c%3Ad@h', false)).toMatchObject({ username: 'a@b', password: 'c:d' });
    expect(parseBrokerAddress('mqtt://u:50%off@h', false)).toMatchObject({ username: 'u', password: '50%off' });
    expect(parseBrokerAddress('mqtt://h', false)).toMatchObject({ username: undefined, password: undefined });
  });

  it('knows which hosts are this machine', () => {
    const isLoopback = (host: string): boolean => parseBrokerAddress(`mqtt://${host}`, false).isLoopback;
    for (const host of ['localhost', 'LOCALHOST', 'a.localhost', '127.1.2.3', '[::1]'])
      expect(isLoopback(host)).toBe(true);
    for (const host of ['broker', '128.0.0.1', 'localhost.evil.org', '[::2]']) expect(isLoopback(host)).toBe(false);
  });
});

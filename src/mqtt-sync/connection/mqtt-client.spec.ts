import dns from 'node:dns';
import type { MqttClient } from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../test/helpers/ports.js';
import { resolveOptions } from '../resolve-options.js';
import { parseBrokerAddress } from './broker-address.js';
import { createClient, type DialRequest } from './mqtt-client.js';

const SECRETS = { username: 'u', password: 'p', ca: undefined, cert: undefined, key: undefined };

function clientFor(brokerUrl: string, more: Partial<DialRequest> = {}): MqttClient {
  const options = resolveOptions({ brokerUrl });
  const address = parseBrokerAddress(brokerUrl, options.tlsEnabled);
  const identity = { clientId: 'c', will: undefined };
  const client = createClient(
    { address, options, identity, protocol: '5', session: 'begin' as const, retainsWill: true, ...more },
    SECRETS,
    { lookup: dns.lookup, failed() {} },
  );
  client.stream.on('error', () => {});
  onTestFinished(() => void client.end(true));
  return client;
}

it('lets MQTT.js do nothing by itself: no reconnect, no resend, no queue, no resubscribe', async () => {
  const { options } = clientFor(`mqtt://127.0.0.1:${await freePort()}`);
  expect(options).toMatchObject({
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    reschedulePings: false,
  });
  expect(options.outgoingStore).toBeDefined();
  expect(options).toMatchObject({ clientId: 'c', username: 'u', password: 'p', keepalive: 60, protocolVersion: 5 });
});

it('asks for no session expiry on 3.1.1, which knows none', async () => {
  const { options } = clientFor(`mqtt://127.0.0.1:${await freePort()}`, { protocol: '3.1.1' });
  expect(options.protocolVersion).toBe(4);
  expect(options.properties).toBeUndefined();
});

it('writes an IPv6 address with brackets in the URL of a WebSocket, and without for TCP', async () => {
  const port = await freePort();
  const { stream } = clientFor(`ws://[::1]:${port}/mqtt?a=b`);
  expect((stream as unknown as { url: string }).url).toBe(`ws://[::1]:${port}/mqtt?a=b`);
  expect(clientFor(`mqtt://[::1]:${port}`).options.host).toBe('::1');
});

import type { BrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import type { Secrets } from '../../../mqtt-sync/connection/secrets.js';

/** What to look at when whoever listens there answers no CONNECT: it ends the connection, or says something else. The likeliest comes first. */
export function adviceOnHangUp(error: Error, { scheme }: BrokerAddress, { cert }: Secrets): string[] {
  const certificate = cert
    ? 'The broker may not take the client certificate: is it of an authority that the broker knows, not revoked, not over?'
    : 'The broker may want a client certificate: set MQTT_TLS_CERT_FILE and MQTT_TLS_KEY_FILE.';
  // TLS 1.3 tells a client only after its handshake that its certificate is not taken.
  if (/certificate|handshake failure/i.test(error.message)) return [certificate];
  return [...ADVICE[scheme], ...(scheme === 'mqtt' || scheme === 'ws' ? [] : [certificate])];
}

const ADVICE: Readonly<Record<BrokerAddress['scheme'], readonly string[]>> = {
  mqtt: [
    'The port may expect TLS: then use mqtts in MQTT_BROKER_URL (its port is usually 8883).',
    'Or it is no MQTT port: one for WebSocket (ws), or that of another program. Check the port.',
  ],
  mqtts: ['The port may be one for WebSocket (wss), or that of another program: check scheme and port.'],
  ws: [
    'The port may be one for MQTT without WebSocket: then use mqtt in MQTT_BROKER_URL (its port is usually 1883).',
    'Or it expects TLS (wss), another path in the URL, or is that of another program.',
  ],
  wss: [
    'The port may be one for MQTT without WebSocket: then use mqtts in MQTT_BROKER_URL (its port is usually 8883).',
    'Or it expects another path in the URL, or is that of another program.',
  ],
};

import type { ResolvedOptions } from '../resolve-options.js';
import type { SyncEvents } from '../sync-events.js';

/** The options that concern the connection. */
export type ConnectionOptions = Pick<
  ResolvedOptions,
  | 'brokerUrl'
  | 'tlsEnabled'
  | 'tls'
  | 'username'
  | 'password'
  | 'passwordFile'
  | 'protocol'
  | 'resumeSession'
  | 'keepaliveS'
  | 'reconnectMaxS'
  | 'connectTimeoutMs'
>;

/** Where a connection announces `connected`, `disconnected` and `reconnecting`. */
export type ConnectionEvents = Pick<SyncEvents, 'emit'>;

/** For a second connection: the events speak of the publisher's only. */
export const unannounced: ConnectionEvents = { emit() {} };

/** MQTT versions as users name them. */
export type MqttProtocol = '5' | '3.1.1';

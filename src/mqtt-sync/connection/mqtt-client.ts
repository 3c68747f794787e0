import type { ClientRequest } from 'node:http';
import { connect as connectSocket, type LookupFunction } from 'node:net';
import { connect, MqttClient, UniqueMessageIdProvider, type IClientOptions } from 'mqtt';
import type { BrokerAddress } from './broker-address.js';
import type { ConnectionIdentity } from './connection-control.js';
import type { ConnectionOptions, MqttProtocol } from './connection-options.js';
import { createNullStore } from './null-store.js';
import { waitAsConfigured } from './ping-patience.js';
import type { Secrets } from './secrets.js';
import { isClean, type SessionRequest } from './session-choice.js';

/** Everything that one connection attempt depends on. */
export interface DialRequest {
  readonly address: BrokerAddress;
  readonly options: ConnectionOptions;
  readonly identity: ConnectionIdentity;
  readonly protocol: MqttProtocol;
  readonly session: SessionRequest;
  /** Whether the will may be retained, where it asks for that. */
  readonly retainsWill: boolean;
}

/**
 * How long the broker keeps the session while we are away: a week, longer than the days a ship lies in a yard without
 * a link. A publisher's holds the packet ids of unfinished QoS 2 messages, and an orderly stop ends it at once; a
 * receiver's holds its subscriptions and what arrived for them.
 */
const SESSION_EXPIRY_S = 7 * 86_400;

/** Our own timer is the one that reports a missing CONNACK; the one of MQTT.js must not be faster. */
const CONNECT_TIMEOUT_MARGIN_MS = 5000;

/** How MQTT.js is told where to dial, and what to show and to trust there. */
export function transportOptions(
  {
    address,
    options,
  }: { readonly address: BrokerAddress; readonly options: Pick<ConnectionOptions, 'tlsEnabled' | 'tls'> },
  secrets: Secrets,
): IClientOptions {
  const { scheme, host, port, path } = address;
  const isWebSocket = path !== undefined;
  return {
    protocol: scheme,
    // For a WebSocket the host ends up in a URL, where IPv6 needs its brackets.
    host: isWebSocket && host.includes(':') ? `[${host}]` : host,
    port,
    ...(isWebSocket && { path }),
    // MQTT.js switches TLS on by itself when it is given a certificate and a key.
    ...(options.tlsEnabled && {
      rejectUnauthorized: options.tls.rejectUnauthorized,
      ...(secrets.ca && { ca: secrets.ca }),
      ...(secrets.cert && { cert: secrets.cert }),
      ...(secrets.key && { key: secrets.key }),
    }),
  };
}

function sessionOptions(
  { options, identity, protocol, session, retainsWill }: DialRequest,
  secrets: Secrets,
): IClientOptions {
  const will = identity.will?.();
  return {
    protocolVersion: protocol === '5' ? 5 : 4,
    clientId: identity.clientId,
    clean: isClean(session),
    keepalive: options.keepaliveS,
    ...(protocol === '5' && {
      properties: {
        sessionExpiryInterval: session === 'transient' ? 0 : SESSION_EXPIRY_S,
        ...(identity.receiveMaximum !== undefined && { receiveMaximum: identity.receiveMaximum }),
      },
    }),
    ...(will && { will: { ...will, retain: will.retain && retainsWill } }),
    ...(secrets.username !== undefined && { username: secrets.username }),
    ...(secrets.password !== undefined && { password: secrets.password }),
  };
}

/** What a connection has to do with the socket below it, whoever makes that. */
export interface SocketHooks {
  readonly lookup: LookupFunction;
  /** A WebSocket says of the socket below it that it has closed, and not how. */
  readonly failed: (error: Error) => void;
}

function socketOptions({ scheme, path }: BrokerAddress, { lookup, failed }: SocketHooks): IClientOptions {
  if (path !== undefined) {
    const finishRequest = (request: ClientRequest): void => {
      request.once('socket', (socket) => socket.on('error', failed));
      request.end();
    };
    return { wsOptions: { lookup, finishRequest } };
  }
  // Not among its types: all options go to `tls.connect()`.
  return scheme === 'mqtts' ? ({ lookup } as IClientOptions) : {};
}

/**
 * Starts one TCP connection with a client of its own, which never reconnects, resends or resubscribes by itself.
 * @throws {Error} on TLS material that cannot be used, among others.
 */
export function createClient(request: DialRequest, secrets: Secrets, hooks: SocketHooks): MqttClient {
  const { scheme, host, port } = request.address;
  const { lookup } = hooks;
  const options: IClientOptions = {
    ...transportOptions(request, secrets),
    ...socketOptions(request.address, hooks),
    ...sessionOptions(request, secrets),
    connectTimeout: request.options.connectTimeoutMs + CONNECT_TIMEOUT_MARGIN_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    // Pings at a steady pace cost less than a timer restarted by every acknowledgement.
    reschedulePings: false,
    outgoingStore: createNullStore(),
    messageIdProvider: new UniqueMessageIdProvider(),
    log: () => {},
  };
  // MQTT.js would hand a TCP socket nothing but host and port.
  const isTcp = scheme === 'mqtt';
  const client = isTcp ? new MqttClient(() => connectSocket({ host, port, lookup }), options) : connect(options);
  waitAsConfigured(client, request.options.keepaliveS);
  return client;
}

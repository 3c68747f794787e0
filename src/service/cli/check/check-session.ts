import { randomUUID } from 'node:crypto';
import { connect, type IConnackPacket, type MqttClient } from 'mqtt';
import type { BrokerAddress } from '../../../mqtt-sync/connection/broker-address.js';
import { isUnsupportedVersion, refusalOf } from '../../../mqtt-sync/connection/connack.js';
import type { MqttProtocol } from '../../../mqtt-sync/connection/connection-options.js';
import { failureText } from '../../../mqtt-sync/connection/failure-text.js';
import { transportOptions } from '../../../mqtt-sync/connection/mqtt-client.js';
import type { Secrets } from '../../../mqtt-sync/connection/secrets.js';
import type { ResolvedOptions } from '../../../mqtt-sync/resolve-options.js';
import { CheckFailure, type Finding } from './check-step.js';
import type { CheckTopics } from './check-topics.js';
import { withDeadline } from './deadline.js';
import { adviceOnHangUp } from './hang-up-advice.js';

/** A connection that the broker has accepted. */
export interface Session {
  readonly client: MqttClient;
  readonly protocol: MqttProtocol;
  readonly connack: IConnackPacket;
}

export interface SessionCheck {
  readonly address: BrokerAddress;
  readonly options: ResolvedOptions;
  readonly topics: CheckTopics;
  readonly secrets: Secrets;
  readonly timeoutMs: number;
}

const REFUSED: Readonly<Record<number, string>> = {
  0x02: 'The broker does not take the client id: it may bind client ids to certificates.',
  0x04: 'Check MQTT_USERNAME and MQTT_PASSWORD.',
  0x05: 'Check user name and password, or the certificate and what the broker allows its name.',
  0x85: 'The broker does not take the client id: it may bind client ids to certificates.',
  0x86: 'Check MQTT_USERNAME and MQTT_PASSWORD.',
  0x87: 'Check user name and password, or the certificate and what the broker allows its name.',
  0x88: 'The broker is there and cannot serve just now: try again later.',
  0x89: 'The broker is busy: try again later.',
  0x8a: 'The broker has banned this client.',
};

/** A client that waits for its DISCONNECT to go out waits at most this long. */
const LEAVING_MS = 2000;

/**
 * Connects as the service would, with a client id of its own: the service, if it runs, is not thrown off. The last will is
 * on the topic of the status, so that the right to it is tried; it is not retained, and says nothing that consumers read.
 */
export async function checkConnect(check: SessionCheck): Promise<Finding & { readonly session: Session }> {
  const session = await negotiate(check, true).catch(async (error: unknown) => {
    if (error instanceof TurnedAway) await blameTheWill(check, error);
    throw error;
  });
  const detail = `the broker accepts us, MQTT ${session.protocol}`;
  if (session.protocol === '5') return { detail, session };
  const advice = [
    'MQTT 3.1.1 tells neither limits nor refusals: a message that the broker throws away looks delivered.',
  ];
  return { detail, advice, session };
}

/** Ends a session with a DISCONNECT, so that the broker does not publish the will. */
export async function leave(client: MqttClient): Promise<void> {
  const failure = new CheckFailure('the connection does not end');
  await withDeadline<void>(LEAVING_MS, failure, (resolve) => client.end(false, () => resolve())).catch(() => {});
  client.end(true);
}

/** @throws {CheckFailure} the broker lets us in without the last will. */
async function blameTheWill(check: SessionCheck, { message }: TurnedAway): Promise<void> {
  const session = await negotiate(check, false).catch(() => undefined);
  if (!session) return;
  await leave(session.client);
  throw new CheckFailure(`the broker does not let us in with a last will on ${check.topics.status} (${message})`, [
    'Give this user the right to publish there, also as last will; the service connects with it. See docs/broker-setup.md.',
  ]);
}

/** The broker refused the CONNECT, or hung up on it. */
class TurnedAway extends CheckFailure {}

class UnsupportedVersion extends CheckFailure {}

async function negotiate(check: SessionCheck, withWill: boolean): Promise<Session> {
  const { protocol } = check.options;
  return open(check, protocol === '3.1.1' ? '3.1.1' : '5', withWill).catch((error: unknown) => {
    if (protocol === 'auto' && error instanceof UnsupportedVersion) return open(check, '3.1.1', withWill);
    throw error;
  });
}

async function open(check: SessionCheck, protocol: MqttProtocol, withWill: boolean): Promise<Session> {
  const { address, options, topics, secrets, timeoutMs } = check;
  const { username, password } = secrets;
  const will = { topic: topics.status, payload: Buffer.from(topics.payload()), qos: 1 as const, retain: false };
  const client = connect({
    ...transportOptions({ address, options }, secrets),
    protocolVersion: protocol === '5' ? 5 : 4,
    clientId: `arus_check_${options.vesselId}_${randomUUID().slice(0, 8)}`,
    // Nothing is left behind: the session ends with its connection.
    clean: true,
    keepalive: options.keepaliveS,
    reconnectPeriod: 0,
    connectTimeout: timeoutMs + 1000,
    ...(withWill && { will }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    log: () => {},
  });
  try {
    const connack = await firstPacket(client, timeoutMs);
    const refusal = refusalOf(connack, protocol);
    if (!refusal) return { client, protocol, connack };
    const Failure = isUnsupportedVersion(refusal.code) ? UnsupportedVersion : TurnedAway;
    throw new Failure(failureText(refusal.reason, [password]), [REFUSED[refusal.code] ?? 'Ask who runs the broker.']);
  } catch (error) {
    client.end(true);
    if (error instanceof CheckFailure) throw error;
    throw new TurnedAway(failureText(error, [password]), adviceOnHangUp(error as Error, address, secrets));
  }
}

function firstPacket(client: MqttClient, timeoutMs: number): Promise<IConnackPacket> {
  const slow = new CheckFailure(`no CONNACK from the broker within ${timeoutMs / 1000} s`, [
    'Somebody listens there, but does not speak MQTT: check port and scheme in MQTT_BROKER_URL (mqtts where TLS is expected).',
  ]);
  return withDeadline(timeoutMs, slow, (resolve, reject) => {
    client.on('packetreceive', (packet) => packet.cmd === 'connack' && resolve(packet));
    client.on('error', reject);
    client.stream.on('error', reject);
    client.once('close', () => reject(new Error('the broker closed the connection without an answer')));
  });
}

import type { IConnackPacket } from 'mqtt';
import type { MqttProtocol } from './connection-options.js';
import { reasonCodeText } from './failure-text.js';
import type { BrokerLimits } from './link.js';

/** A CONNACK that says no. */
export interface Refusal {
  readonly code: number;
  /** For people. */
  readonly reason: string;
}

/** Properties of CONNACK and DISCONNECT for people (MQTT 5, sections 3.2.2.3 and 3.14.2.2). */
interface BrokerRemarks {
  readonly reasonString?: unknown;
  readonly serverReference?: unknown;
}

/** The largest packet that MQTT can express: the fixed header and a remaining length of 268,435,455 (section 2.1.4). */
const LARGEST_PACKET = 5 + 268_435_455;

/** 0x01 is the 3.1.1 answer, 0x84 the one of MQTT 5, to a protocol version the broker does not speak. */
const UNSUPPORTED_VERSION: ReadonlySet<number> = new Set([0x01, 0x84]);

/**
 * Refusals that somebody has to do something about: identifier, credentials, authorisation, version, ban, bad
 * authentication method, and what the CONNECT asked for (packet too large, quality of service, retain).
 */
const MISCONFIGURED: ReadonlySet<number> = new Set([
  0x01, 0x02, 0x04, 0x05, 0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b, 0x9c, 0x9d,
]);

function within(value: unknown, min: number, max: number, otherwise: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : otherwise;
}

/** The code of a CONNACK: reason code in MQTT 5, return code in 3.1.1; 0 is a success. */
export function connackCode(packet: IConnackPacket, protocol: MqttProtocol): number {
  return (protocol === '5' ? packet.reasonCode : packet.returnCode) ?? 0;
}

/** What the broker can take; a property that is absent or makes no sense counts as not said. */
export function brokerLimits({ properties = {} }: IConnackPacket): BrokerLimits {
  return {
    receiveMaximum: within(properties.receiveMaximum, 1, 65_535, 65_535),
    maximumPacketSize: within(properties.maximumPacketSize, 1, LARGEST_PACKET, LARGEST_PACKET),
    maximumQos: within(properties.maximumQoS, 0, 1, 2) as BrokerLimits['maximumQos'],
    retainAvailable: properties.retainAvailable !== false,
    topicAliasMaximum: within(properties.topicAliasMaximum, 0, 65_535, 0),
  };
}

/** What a broker says beside a reason code, and where it sends us; we do not follow. */
export function remarks({ reasonString, serverReference }: BrokerRemarks = {}): string {
  const said = typeof reasonString === 'string' && reasonString !== '' ? `, "${reasonString}"` : '';
  const elsewhere = typeof serverReference === 'string' ? `, it names ${serverReference} instead` : '';
  return `${said}${elsewhere}`;
}

/** The refusal that a CONNACK holds; undefined when it accepts. */
export function refusalOf(packet: IConnackPacket, protocol: MqttProtocol): Refusal | undefined {
  const code = connackCode(packet, protocol);
  if (code === 0) return undefined;
  return { code, reason: `the broker refused the connection: ${reasonCodeText(code)}${remarks(packet.properties)}` };
}

/** Whether another protocol version may help. */
export function isUnsupportedVersion(code: number): boolean {
  return UNSUPPORTED_VERSION.has(code);
}

/** Whether retrying soon is pointless, because somebody has to change something first. */
export function isMisconfiguration(code: number): boolean {
  return MISCONFIGURED.has(code);
}

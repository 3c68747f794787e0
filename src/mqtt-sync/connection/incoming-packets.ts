import type { IPublishPacket, Packet } from 'mqtt';

function isUint16(value: unknown, min: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 0xffff;
}

/**
 * What is wrong with a packet that the parser let through, for people; undefined when it is sound. The parser reports a
 * number that was cut off as -1, and a property that came twice as an array; the handlers of MQTT.js throw on both, in
 * ticks where nobody catches.
 */
export function faultOf(packet: Packet): string | undefined {
  switch (packet.cmd) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
    case 'suback':
    case 'unsuback':
      return isUint16(packet.messageId, 1) ? undefined : `${packet.cmd} without a packet id`;
    case 'publish':
      return packet.qos === 0 || isUint16(packet.messageId, 1) ? undefined : 'publish without a packet id';
    case 'connack': {
      const { serverKeepAlive = 0 } = packet.properties ?? {};
      return isUint16(serverKeepAlive, 0) ? undefined : 'connack with a bad keepalive';
    }
    case 'disconnect':
    case 'auth':
    case 'pingresp':
      return undefined;
    default:
      return `a ${packet.cmd}, which no broker may send`;
  }
}

/** Keeps the handlers of MQTT.js away from a packet; they see it after our listener, and ignore unknown commands. */
export function withhold(packet: Packet): void {
  (packet as { cmd: string }).cmd = 'withheld';
}

/**
 * Keeps MQTT.js from acknowledging a PUBLISH. At QoS 0 it sends nothing, and still reads on only when `handleMessage` has
 * called back.
 */
export function disarm(packet: IPublishPacket): void {
  packet.qos = 0;
}

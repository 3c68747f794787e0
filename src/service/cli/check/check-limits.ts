import { brokerLimits } from '../../../mqtt-sync/connection/connack.js';
import type { ResolvedOptions } from '../../../mqtt-sync/resolve-options.js';
import { CheckFailure, type Finding } from './check-step.js';
import type { Session } from './check-session.js';

/** A satellite link. */
const SLOW_ROUND_TRIP_S = 0.6;
/** Below it the broker is what limits a satellite link. */
const GOOD_RECEIVE_MAXIMUM = 100;
/** Header, topic and properties of a PUBLISH at most. */
const PACKET_OVERHEAD = 400;
/** The known topics, and the service's own. */
const GOOD_TOPIC_ALIASES = 10;

/**
 * What the CONNACK says of the broker's limits, and which of them slow the service down or cost it messages.
 * @throws {CheckFailure} when nothing can be delivered with them.
 */
export function checkLimits({ connack, protocol }: Session, options: ResolvedOptions): Finding {
  if (protocol !== '5') return { detail: 'MQTT 3.1.1 does not tell' };
  const { receiveMaximum, maximumPacketSize, maximumQos, retainAvailable, topicAliasMaximum } = brokerLimits(connack);
  if (maximumQos === 0) {
    throw new CheckFailure('the broker takes QoS 0 only, so it cannot acknowledge anything', [
      'Nothing will be delivered: have Maximum QoS raised, or take another broker.',
    ]);
  }
  const keepaliveS = connack.properties?.serverKeepAlive ?? options.keepaliveS;
  const perSecond = Math.floor(receiveMaximum / SLOW_ROUND_TRIP_S);
  const findings: readonly (readonly [boolean, string])[] = [
    [
      receiveMaximum < Math.min(GOOD_RECEIVE_MAXIMUM, options.inflightWindow),
      `Receive Maximum ${receiveMaximum}: at most ${perSecond} messages a second with a round trip of 600 ms. ` +
        '(Mosquitto: max_inflight_messages.)',
    ],
    [
      maximumPacketSize < options.maxMessageBytes + PACKET_OVERHEAD,
      `Maximum Packet Size ${maximumPacketSize}: larger messages become dead letters. Raise it (Mosquitto: max_packet_size), ` +
        `or set MQTT_MAX_MESSAGE_BYTES to ${Math.max(256, maximumPacketSize - PACKET_OVERHEAD)} or less.`,
    ],
    [maximumQos === 1, 'Maximum QoS 1: alerts go with QoS 1; receivers know repeats by their message id.'],
    [!retainAvailable, 'No retained messages: late subscribers do not see the newest change, nor the status.'],
    [
      topicAliasMaximum < GOOD_TOPIC_ALIASES,
      `Topic Alias Maximum ${topicAliasMaximum}: more messages carry their whole topic.`,
    ],
    [
      keepaliveS < options.keepaliveS,
      `Server Keep Alive ${keepaliveS} s: pings are sent that often, on a metered link too.`,
    ],
  ];
  const detail =
    `Receive Maximum ${receiveMaximum}, Maximum Packet Size ${maximumPacketSize}, Maximum QoS ${maximumQos}, ` +
    `retain ${retainAvailable ? 'yes' : 'no'}, Topic Alias Maximum ${topicAliasMaximum}`;
  return { detail, advice: findings.flatMap(([applies, text]) => (applies ? [text] : [])) };
}

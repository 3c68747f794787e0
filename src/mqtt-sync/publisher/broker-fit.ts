import type { BrokerLimits, Link } from '../connection/link.js';
import type { SyncLogger } from '../logger.js';
import type { QueuedMessage } from '../queue/message.js';
import type { Qos } from '../wire/entity-policies.js';

/**
 * Fits messages to what the broker says it can take, and to what it cannot say: a lower QoS, no retain. A client must not
 * exceed either [MQTT-3.2.2-11] [MQTT-3.2.2-14], and a message sent with less than was asked for beats one never sent.
 *
 * On MQTT 3.1.1 nothing is sent with QoS 2. A broker has room for so many unfinished messages of QoS 2, which it tells as
 * Receive Maximum on MQTT 5 only; what comes beyond it Mosquitto throws away, QoS 1 beside it too, with a PUBREC or PUBACK
 * that looks like success, because 3.1.1 has no other. No number of ours is small enough for every broker.
 */
export class BrokerFit {
  private protocol: Link['protocol'] = '5';
  private limits: Pick<BrokerLimits, 'maximumQos' | 'retainAvailable'> = { maximumQos: 2, retainAvailable: true };

  constructor(private readonly logger: SyncLogger) {}

  /** A new link: says once what the broker cannot do. */
  linked({ protocol, limits }: Link): void {
    if (protocol === '3.1.1' && this.protocol !== '3.1.1') {
      this.logger.warn(
        'On MQTT 3.1.1 messages of QoS 2 are sent with QoS 1: a broker cannot refuse one there, and may throw away, as if it ' +
          'had taken it, what it has no room for. QoS 2 takes MQTT 5, at the broker and in `protocol` (MQTT_PROTOCOL).',
      );
    }
    if (limits.maximumQos < 2 && limits.maximumQos !== this.limits.maximumQos) {
      this.logger.warn(
        limits.maximumQos === 1
          ? 'The broker takes QoS 1 at most: messages of QoS 2 are sent with QoS 1.'
          : 'The broker takes QoS 0 only: it cannot acknowledge anything, so messages of QoS 1 and 2 wait for another broker.',
      );
    }
    if (!limits.retainAvailable && this.limits.retainAvailable) {
      this.logger.warn('The broker keeps no retained messages: messages are sent without the retain flag.');
    }
    this.protocol = protocol;
    this.limits = limits;
  }

  /** Whether the broker can acknowledge what it takes. */
  get canAcknowledge(): boolean {
    return this.limits.maximumQos > 0;
  }

  /**
   * QoS and retain flag to send a message with. An exchange that is resumed goes on with the QoS by which the broker's
   * session knows it: under its packet id the broker would take any other for a new message, or not answer it.
   */
  adapt(
    { qos, retain }: Pick<QueuedMessage, 'qos' | 'retain'>,
    resumed: Exclude<Qos, 0> | undefined,
  ): { qos: Qos; retain: boolean } {
    const begun = this.protocol === '3.1.1' ? Math.min(qos, 1) : qos;
    return {
      qos: Math.min(resumed ?? begun, this.limits.maximumQos) as Qos,
      retain: retain && this.limits.retainAvailable,
    };
  }
}

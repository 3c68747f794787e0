import type { BrokerLimits, Link } from '../connection/link.js';
import type { SyncLogger } from '../logger.js';
import type { QueuedMessage } from '../queue/message.js';
import type { Qos } from '../wire/entity-policies.js';

/**
 * Fits messages to what the broker says it can take: a lower QoS, no retain. A client must not exceed either
 * [MQTT-3.2.2-11] [MQTT-3.2.2-14], and a message sent with less than was asked for beats one never sent.
 */
export class BrokerFit {
  private limits: Pick<BrokerLimits, 'maximumQos' | 'retainAvailable'> = { maximumQos: 2, retainAvailable: true };

  constructor(private readonly logger: SyncLogger) {}

  /** A new link: says once what the broker cannot do. */
  linked({ limits }: Link): void {
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
    this.limits = limits;
  }

  /** Whether the broker can acknowledge what it takes. */
  get canAcknowledge(): boolean {
    return this.limits.maximumQos > 0;
  }

  /** QoS and retain flag to send a message with. */
  adapt({ qos, retain }: Pick<QueuedMessage, 'qos' | 'retain'>): { qos: Qos; retain: boolean } {
    return {
      qos: Math.min(qos, this.limits.maximumQos) as Qos,
      retain: retain && this.limits.retainAvailable,
    };
  }
}

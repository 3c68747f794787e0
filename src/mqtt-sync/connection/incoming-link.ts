import type { Qos } from '../wire/entity-policies.js';
import type { BrokerLimits } from './link.js';

/** A PUBLISH as it arrived. */
export interface IncomingPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 at QoS 0. */
  readonly packetId: number;
}

/** What an acknowledgement has to know of its PUBLISH. */
export type Acknowledgeable = Pick<IncomingPublish, 'qos' | 'packetId'>;

/** One topic filter of a SUBSCRIBE. */
export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** The receiving side of one accepted connection, from CONNACK to close. */
export interface IncomingLink {
  readonly protocol: '5' | '3.1.1';
  /** Whether the broker resumed the session of an earlier connection (MQTT 5, section 3.2.2.1.1). */
  readonly sessionPresent: boolean;
  readonly limits: BrokerLimits;
  /**
   * Subscribes; retained messages come only for filters that are new to the session (Retain Handling 1; MQTT 3.1.1 cannot
   * ask for that). Resolves with the reason code of each filter, in order (MQTT 5, section 3.9.3); not at all when the
   * link is lost first.
   */
  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]>;
  /** Ends subscriptions; resolves when the broker has confirmed it, not at all when the link is lost first. */
  unsubscribe(filters: readonly string[]): Promise<void>;
  /** Writes PUBACK (PUBREC at QoS 2); the caller keeps the order of arrival [MQTT-4.6.0-2]. Nothing at QoS 0. */
  acknowledge(publish: Acknowledgeable): void;
  /** Sends what was written since the last flush in as few system calls as possible. */
  flush(): void;
  /** Reads no further than the message at hand until `resume()`; the keepalive notices when that takes too long. */
  pause(): void;
  resume(): void;
  /** Ends the connection at once, without DISCONNECT; the loss is reported as `local`. */
  cut(reason: string): void;
}

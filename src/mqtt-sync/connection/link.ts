import type { Qos } from '../wire/entity-policies.js';

/** What the broker said in its CONNACK that it can take (MQTT 5, section 3.2.2.3); 3.1.1 says nothing, so the maxima. */
export interface BrokerLimits {
  /** Unacknowledged QoS 1 and QoS 2 messages at most. */
  readonly receiveMaximum: number;
  /** Size of a whole packet at most, in bytes. */
  readonly maximumPacketSize: number;
  readonly maximumQos: Qos;
  readonly retainAvailable: boolean;
  readonly topicAliasMaximum: number;
}

/** A PUBLISH to be written as it is. */
export interface OutgoingPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Set when the same packet id was sent before in this session [MQTT-3.3.1-1]. */
  readonly dup: boolean;
  /** 1 to 65,535; ignored at QoS 0. */
  readonly packetId: number;
}

/** An acknowledgement as it arrived. */
export interface Acknowledgement {
  readonly type: 'puback' | 'pubrec' | 'pubcomp';
  readonly packetId: number;
  /** 0 on 3.1.1. */
  readonly reasonCode: number;
}

/** Why a link is gone. */
export interface LinkLoss {
  /** For people; one line, no secrets. */
  readonly reason: string;
  /**
   * `peer`: the other end closed or reset the connection; `server_disconnect`: it said why first, in a DISCONNECT;
   * `local`: we cut it (a timer, a stop); `network`: anything else.
   */
  readonly by: 'peer' | 'server_disconnect' | 'local' | 'network';
  /** MQTT 5 reason code of a DISCONNECT. */
  readonly reasonCode: number | undefined;
}

/**
 * One accepted connection to the broker, from CONNACK to close. The publisher writes its own packets on it, so that it
 * owns packet ids, DUP and the resumption of QoS 2, which MQTT.js does not offer.
 */
export interface Link {
  readonly protocol: '5' | '3.1.1';
  /** Whether the broker resumed the session of an earlier connection (MQTT 5, section 3.2.2.1.1). */
  readonly sessionPresent: boolean;
  readonly limits: BrokerLimits;
  /** Bytes written that the socket has not taken yet. */
  readonly bufferedBytes: number;
  /** Whether a SUBSCRIBE or UNSUBSCRIBE has no answer yet: a broker that hangs up may mean that one. */
  readonly isSubscribing: boolean;
  /** Size of the packet on the wire, as it would be written now. */
  packetBytes(packet: OutgoingPublish): number;
  publish(packet: OutgoingPublish): void;
  /** Sends PUBREL for a packet id. */
  release(packetId: number): void;
  /** Sends what was written since the last flush in as few system calls as possible. */
  flush(): void;
  /** Ends the connection at once, without DISCONNECT; the loss is reported as `local`. */
  cut(reason: string): void;
}

/** What a link tells the publisher. `lost` comes exactly once, and nothing after it. */
export interface LinkObserver {
  linked(link: Link): void;
  acknowledged(link: Link, acknowledgement: Acknowledgement): void;
  /** Everything written has left for the operating system. */
  drained(link: Link): void;
  lost(link: Link, loss: LinkLoss): void;
}

import type { IncomingLink, IncomingPublish } from './incoming-link.js';
import type { Acknowledgement, Link, LinkLoss } from './link.js';
import type { SessionLife } from './session-choice.js';

/** A last will (MQTT 5, section 3.1.2.5). */
export interface LastWill {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 1;
  readonly retain: true;
}

/** How this side presents itself to the broker; known once the queue is open. */
export interface ConnectionIdentity {
  readonly clientId: string;
  /**
   * Asked for at every connect: what the broker publishes when that connection ends without a DISCONNECT. Where the broker
   * keeps no retained messages it is not retained.
   */
  readonly will: (() => LastWill) | undefined;
  /** @default 'process', or 'connection' where the options say not to resume */
  readonly session?: SessionLife;
  /** Unacknowledged messages that we take at most; said in MQTT 5 only (section 3.1.2.11.3). @default 65535 */
  readonly receiveMaximum?: number;
}

/** What a connection tells who uses it. `lost` comes exactly once per link, and nothing after it. */
export interface ConnectionObserver {
  linked(link: Link & IncomingLink): void;
  acknowledged?(link: Link, acknowledgement: Acknowledgement): void;
  /** Everything written has left for the operating system. */
  drained?(link: Link): void;
  /** A message arrived; whoever takes them acknowledges them. */
  received?(link: IncomingLink, publish: IncomingPublish): void;
  lost(link: Link & IncomingLink, loss: LinkLoss): void;
}

/** What the spacing of the attempts depends on. */
export interface PublisherView {
  /** Messages in flight: a broker that closes on nothing hints at a client id used twice. */
  readonly unacknowledged: () => number;
  /** Whether a message is being sent alone because the broker may hang up on it: then closes are expected. */
  readonly isProbing: () => boolean;
}

/** What the connection is doing. */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped';

/** What health and metrics read. */
export interface ConnectionView {
  readonly state: ConnectionState;
  readonly isConnected: boolean;
  /** Broker address without credentials, e.g. `mqtt://broker.example:1883`. */
  readonly broker: string;
  readonly tlsEnabled: boolean;
  /** Connection attempts since the last connection, the process's first not counted; 0 while connected. */
  readonly reconnectAttempts: number;
  /** Last reason why there is no connection, for people; undefined while connected. */
  readonly lastFailure: string | undefined;
}

/** The surface that publisher and receiver rely on; `ConnectionManager` implements it. */
export interface ConnectionControl extends ConnectionView {
  /**
   * Set once, before `start()`. `publisher` tells what closes mean. @default nothing in flight
   */
  observe(observer: ConnectionObserver, publisher?: PublisherView): void;
  /** Starts connecting, for ever, until `stop()`; returns at once. */
  start(identity: ConnectionIdentity): void;
  /** The link has proven itself (a message was acknowledged): the next reconnect starts from the shortest delay. */
  confirm(): void;
  /** Sends DISCONNECT if connected and closes; resolves within `timeoutMs` whatever the broker does. */
  stop(timeoutMs: number): Promise<void>;
}

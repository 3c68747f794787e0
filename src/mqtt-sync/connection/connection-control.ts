import { type LinkObserver } from './link.js';

/** How this side presents itself to the broker; known once the queue is open. */
export interface ConnectionIdentity {
  readonly clientId: string;
  /** Published by the broker when the connection ends without a DISCONNECT (MQTT 5, section 3.1.2.5). */
  readonly will:
    { readonly topic: string; readonly payload: Buffer; readonly qos: 1; readonly retain: true } | undefined;
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

/** The surface that the publisher relies on; `ConnectionManager` implements it. */
export interface ConnectionControl extends ConnectionView {
  /**
   * Set once, before `start()`. `unacknowledged` tells how many messages are in flight: a broker that closes on a
   * message blames the message, one that closes on nothing hints at a client id used twice. @default none
   */
  observe(observer: LinkObserver, unacknowledged?: () => number): void;
  /** Starts connecting, for ever, until `stop()`; returns at once. */
  start(identity: ConnectionIdentity): void;
  /** The link has proven itself (a message was acknowledged): the next reconnect starts from the shortest delay. */
  confirm(): void;
  /** Sends DISCONNECT if connected and closes; resolves within `timeoutMs` whatever the broker does. */
  stop(timeoutMs: number): Promise<void>;
}

import type { EntityPolicyOverrides } from './wire/entity-policies.js';

/** TLS material as files, so that it can be rotated: the files are read again at every connect. */
export interface TlsOptions {
  /** `false` accepts any certificate, with a warning at every start. @default true */
  readonly rejectUnauthorized?: boolean;
  /** PEM file with the authorities to trust instead of the system's. */
  readonly caFile?: string;
  /** PEM file with the client certificate (mTLS); goes with `keyFile`. */
  readonly certFile?: string;
  /** PEM file with the key of the client certificate. */
  readonly keyFile?: string;
}

/** The store-and-forward queue. */
export interface QueueOptions {
  /** `disk` survives restarts and power cuts; `memory` promises nothing across a restart. @default 'disk' */
  readonly store?: 'disk' | 'memory';
  /** Folder of the disk store; one process per folder. @default '.mqtt-queue' */
  readonly dir?: string;
  /** Limit in messages. @default 10000 */
  readonly maxMessages?: number;
  /** Limit in bytes of envelopes; whichever limit is met first counts. @default 1073741824 (1 GiB) */
  readonly maxBytes?: number;
  /**
   * What a full queue does. `drop-oldest` drops the oldest waiting message, whatever its lane; `drop-lowest-priority`
   * the oldest of the lowest lane, never for a message of a lower lane; `reject` refuses the new one.
   * @default 'drop-oldest'
   */
  readonly overflowPolicy?: 'drop-oldest' | 'drop-lowest-priority' | 'reject';
  /** How many dead letters are kept; the oldest is discarded (and becomes a gap) beyond that. @default 1000 */
  readonly maxDeadLetters?: number;
}

/** Incoming changes. */
export interface IncomingOptions {
  /** Changes handled at a time; those of one vessel, entity type and key always one after the other. @default 16 */
  readonly concurrency?: number;
  /** Milliseconds for which a failing change is tried again, from its first try on; then it is parked. @default 30000 */
  readonly retryForMs?: number;
  /** Milliseconds that a try may take; then it counts as failed, and its signal is aborted. @default 30000 */
  readonly handlerTimeoutMs?: number;
  /**
   * Unacknowledged messages that the broker may send at most, its own limit permitting; MQTT 5 only. @default 1000
   */
  readonly receiveMaximum?: number;
  /** Bytes of messages that are held until they are handled; above it nothing more is read. @default 67108864 (64 MiB) */
  readonly maxBytes?: number;
  /**
   * Name of a group of instances that share the changes (MQTT 5 shared subscriptions): `[A-Za-z0-9_.-]{1,64}`. Each
   * instance needs a vessel id of its own. @default none: every instance gets every change
   */
  readonly shareGroup?: string;
  /**
   * Seconds for which later changes may be ahead of one that has not come before that is told as a gap: it may be on its
   * way behind others. @default 30
   */
  readonly gapGraceS?: number;
  /**
   * Whether what is told as missing is asked for by itself, or only by `CatchUp.request()`. Never by itself with
   * `shareGroup`, whose other instances have the rest. @default 'automatic'
   */
  readonly catchUp?: 'automatic' | 'manual';
  /**
   * Whether one of the levels that a `+` of `inboundPrefix` stands for has to be the vessel id of the envelope, so that no
   * vessel can speak for another one. `false` where `+` stands for something else than the vessel. @default true
   */
  readonly verifySender?: boolean;
}

/** What is kept of delivered changes, for whoever missed them; only the disk store keeps any. */
export interface JournalOptions {
  /**
   * Seconds since the delivery, by the wall clock; one that jumps ahead while the process runs is believed after an hour.
   * @default 604800 (7 days)
   */
  readonly maxAgeS?: number;
  /** Bytes on disk, beside those of the queue; 0 turns it off. @default 268435456 (256 MiB) */
  readonly maxBytes?: number;
}

/** How changes are sent again on request. */
export interface CatchUpOptions {
  /** Changes a second at most, over all requests. @default 50 */
  readonly maxPerSecond?: number;
}

/** What is remembered of incoming changes; opened when something is subscribed. */
export interface InboxOptions {
  /** `disk` remembers across restarts; with `memory` a repeat after a restart is handled again. @default 'disk' */
  readonly store?: 'disk' | 'memory';
  /** Folder of the disk store; one process per folder. @default `inbox` in the folder of the queue */
  readonly dir?: string;
  /** Message ids remembered; the oldest is forgotten beyond that. @default 1000000 */
  readonly maxIds?: number;
  /** Seconds for which a message id is remembered. @default 2592000 (30 days) */
  readonly maxAgeS?: number;
  /** Parked messages kept; the oldest is discarded beyond that. @default 1000 */
  readonly maxParked?: number;
  /** Bytes of their payloads. @default 67108864 (64 MiB) */
  readonly maxParkedBytes?: number;
  /**
   * From where on changes of a vessel that is seen for the first time count as missing: from the first one that came, or
   * from its very first one. @default 'first_seen'
   */
  readonly catchUpFrom?: 'first_seen' | 'beginning';
}

/** Options of `MqttSyncModule`. Everything has a default; the module reads no environment. */
export interface MqttSyncOptions {
  /** Broker, with scheme `mqtt`, `mqtts`, `ws` or `wss`. May hold user and password. @default 'mqtt://localhost:1883' */
  readonly brokerUrl?: string;
  /** Turns TLS on or off whatever the scheme says. @default by the scheme */
  readonly enableTls?: boolean;
  readonly tls?: TlsOptions;
  /** User name; wins over one in the URL. A password needs one; an empty one will do where the broker does not look at it. */
  readonly username?: string;
  /** Password; wins over one in the URL. */
  readonly password?: string;
  /** File whose first line is the password; read again at every connect, so that it can be rotated. Wins over `password`. */
  readonly passwordFile?: string;
  /** Id of this side, in topics, envelopes and client ids: `[A-Za-z0-9_.-]{1,64}`. @default the host name */
  readonly vesselId?: string;
  /** Topics are `<prefix>/<entity>`; may hold `{vesselId}`. @default 'vessel/sync' */
  readonly topicPrefix?: string;
  /**
   * Prefix of incoming changes; may hold `{vesselId}`, and `+` for a level (`vessel/+/up`: those of every ship).
   * @default the same as `topicPrefix`
   */
  readonly inboundPrefix?: string;
  readonly incoming?: IncomingOptions;
  readonly inbox?: InboxOptions;
  /** `false` turns sync off (an application that runs in the cloud): nothing is stored or sent. @default true */
  readonly localMode?: boolean;
  /** MQTT version; `auto` tries 5 and falls back to 3.1.1. @default 'auto' */
  readonly protocol?: 'auto' | '5' | '3.1.1';
  /**
   * Whether a reconnection goes on with the MQTT session, so that QoS 2 is exactly once while the broker keeps it. With
   * `false` every connection begins a clean session, and what has no PUBACK or PUBCOMP is published anew: at least
   * once also where the broker loses its memory, or shares it between two services of one client id. The receiver's
   * connection, whose session holds its subscriptions, always resumes. @default true
   */
  readonly resumeSession?: boolean;
  /** Seconds between pings on an idle connection. @default 60 */
  readonly keepaliveS?: number;
  /** Cap of the reconnect backoff after a network failure, in seconds. @default 10 */
  readonly reconnectMaxS?: number;
  /** Milliseconds from dialling to the broker's CONNACK. @default 15000 */
  readonly connectTimeoutMs?: number;
  readonly queue?: QueueOptions;
  readonly journal?: JournalOptions;
  readonly catchUp?: CatchUpOptions;
  /** Largest envelope, in bytes; larger changes are rejected. @default 262144 */
  readonly maxMessageBytes?: number;
  /** Most messages in flight, and never above half of `queue.maxMessages`. @default 1000 */
  readonly inflightWindow?: number;
  /** QoS, retain flag and lane per entity type, on top of the built-in ones. */
  readonly entities?: EntityPolicyOverrides;
  /** Seconds after which an undelivered message makes the service degraded. @default 300 */
  readonly healthMaxAgeS?: number;
  /** Milliseconds for an orderly stop. @default 5000 */
  readonly shutdownDeadlineMs?: number;
}

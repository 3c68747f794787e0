import * as os from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { OptionsError } from './errors.js';
import { type EntityPolicyOverrides, isEntityType } from './wire/entity-policies.js';
import { LANES } from './wire/lanes.js';

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
  /** Seconds since the delivery. @default 604800 (7 days) */
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
  /** User name; wins over one in the URL. */
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

function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

const filePath = z.string().min(1);
const DAY_S = 86_400;

const VESSEL_ID = /^[A-Za-z0-9_.-]{1,64}$/;
const vesselId = z.string().regex(VESSEL_ID, 'expected 1 to 64 letters, digits, dots, dashes or underscores');

const anyPrefix = z
  .string()
  .min(1)
  .max(256)
  .refine((prefix) => !/^[/$]|\/$|\/\//.test(prefix), 'must not start with / or $, end with /, or have an empty level')
  .refine((prefix) => !/[{}]/.test(prefix.replaceAll('{vesselId}', '')), 'the only placeholder is {vesselId}');

const topicPrefix = anyPrefix.refine((prefix) => !/[+#\0]/.test(prefix), 'must not contain +, # or NUL');

const inboundPrefix = anyPrefix
  .refine((prefix) => !/[#\0]/.test(prefix), 'must not contain # or NUL')
  .refine(
    (prefix) => prefix.split('/').every((level) => level === '+' || !level.includes('+')),
    '+ takes a whole level',
  );

function isBrokerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return /^(mqtts?|wss?):$/.test(protocol) && hostname !== '';
}

const brokerUrl = z.string().refine(isBrokerUrl, 'expected a URL with scheme mqtt, mqtts, ws or wss and a host');

const entityPolicy = z.strictObject({
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
  retain: z.boolean().optional(),
  lane: oneOf(LANES).optional(),
});

const entityTypeName = z.string().refine(isEntityType, 'expected [a-z][a-z0-9_]{0,63}, and not system or catchup');

const schema = z
  .strictObject({
    brokerUrl: brokerUrl.default('mqtt://localhost:1883'),
    enableTls: z.boolean().optional(),
    tls: z
      .strictObject({
        rejectUnauthorized: z.boolean().default(true),
        caFile: filePath.optional(),
        certFile: filePath.optional(),
        keyFile: filePath.optional(),
      })
      .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
        message: 'certFile and keyFile go together',
        when: ({ value }) => typeof value === 'object' && value !== null,
      })
      .prefault({}),
    username: z.string().optional(),
    password: z.string().optional(),
    passwordFile: filePath.optional(),
    vesselId: vesselId.optional(),
    topicPrefix: topicPrefix.default('vessel/sync'),
    inboundPrefix: inboundPrefix.optional(),
    incoming: z
      .strictObject({
        concurrency: wholeNumber(1, 10_000).default(16),
        retryForMs: wholeNumber(0, 3_600_000).default(30_000),
        handlerTimeoutMs: wholeNumber(1, 3_600_000).default(30_000),
        receiveMaximum: wholeNumber(1, 65_535).default(1000),
        gapGraceS: wholeNumber(0, DAY_S).default(30),
        catchUp: oneOf(['automatic', 'manual']).default('automatic'),
        verifySender: z.boolean().default(true),
        maxBytes: wholeNumber(1024, Number.MAX_SAFE_INTEGER).default(67_108_864),
        shareGroup: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes or underscores')
          .optional(),
      })
      .prefault({}),
    inbox: z
      .strictObject({
        store: oneOf(['disk', 'memory']).default('disk'),
        dir: filePath.optional(),
        maxIds: wholeNumber(1, 100_000_000).default(1_000_000),
        maxAgeS: wholeNumber(1, 10 * 365 * DAY_S).default(30 * DAY_S),
        maxParked: wholeNumber(1, 1_000_000).default(1000),
        maxParkedBytes: wholeNumber(1024, Number.MAX_SAFE_INTEGER).default(67_108_864),
        catchUpFrom: oneOf(['first_seen', 'beginning']).default('first_seen'),
      })
      .prefault({}),
    localMode: z.boolean().default(true),
    protocol: oneOf(['auto', '5', '3.1.1']).default('auto'),
    resumeSession: z.boolean().default(true),
    keepaliveS: wholeNumber(1, 65_535).default(60),
    reconnectMaxS: wholeNumber(1, DAY_S).default(10),
    connectTimeoutMs: wholeNumber(100, 600_000).default(15_000),
    queue: z
      .strictObject({
        store: oneOf(['disk', 'memory']).default('disk'),
        dir: filePath.default('.mqtt-queue'),
        maxMessages: wholeNumber(1, 100_000_000).default(10_000),
        maxBytes: wholeNumber(1024, Number.MAX_SAFE_INTEGER).default(1_073_741_824),
        overflowPolicy: oneOf(['drop-oldest', 'drop-lowest-priority', 'reject']).default('drop-oldest'),
        maxDeadLetters: wholeNumber(1, 1_000_000).default(1000),
      })
      .prefault({}),
    journal: z
      .strictObject({
        maxAgeS: wholeNumber(1, 3650 * DAY_S).default(7 * DAY_S),
        maxBytes: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(268_435_456),
      })
      .prefault({}),
    catchUp: z.strictObject({ maxPerSecond: wholeNumber(1, 100_000).default(50) }).prefault({}),
    // MQTT's own limit for a packet's remaining length is 268,435,455 bytes (MQTT 5, section 1.5.5).
    maxMessageBytes: wholeNumber(256, 268_000_000).default(262_144),
    inflightWindow: wholeNumber(1, 65_535).default(1000),
    entities: z.record(entityTypeName, entityPolicy).default({}),
    healthMaxAgeS: wholeNumber(1, 365 * DAY_S).default(300),
    shutdownDeadlineMs: wholeNumber(100, 3_600_000).default(5000),
  })
  // Also when other options are wrong, so that every fault is listed; a value of the wrong type is no number, and passes.
  .refine(({ maxMessageBytes, queue }) => !(maxMessageBytes > queue?.maxBytes), {
    path: ['maxMessageBytes'],
    message: 'must not exceed queue.maxBytes',
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

/** The options with every default filled in. */
export type ResolvedOptions = Readonly<
  Omit<z.output<typeof schema>, 'vesselId' | 'inboundPrefix' | 'enableTls' | 'inbox'> & {
    readonly vesselId: string;
    /** Whether somebody chose the vessel id, as opposed to the host name standing in. */
    readonly vesselIdIsExplicit: boolean;
    readonly inboundPrefix: string;
    readonly inbox: z.output<typeof schema>['inbox'] & { readonly dir: string };
    readonly tlsEnabled: boolean;
  }
>;

/** The host name as a vessel id: what an id may not contain becomes a dash. */
function defaultVesselId(): string {
  return (
    os
      .hostname()
      .replace(/[^A-Za-z0-9_.-]/g, '-')
      .slice(0, 64) || 'vessel'
  );
}

/**
 * Checks the options once and fills in the defaults; the caller's object is copied, never changed.
 * @throws {OptionsError} naming every unknown or wrong option at once, without repeating its value.
 */
export function resolveOptions(options: MqttSyncOptions = {}): ResolvedOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    throw new OptionsError(
      parsed.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'unknown option' }))
          : [{ path: issue.path.join('.') || 'options', message: issue.message }],
      ),
    );
  }
  const { data } = parsed;
  return Object.freeze({
    ...data,
    vesselId: data.vesselId ?? defaultVesselId(),
    vesselIdIsExplicit: data.vesselId !== undefined,
    inboundPrefix: data.inboundPrefix ?? data.topicPrefix,
    inbox: { ...data.inbox, dir: data.inbox.dir ?? join(data.queue.dir, 'inbox') },
    tlsEnabled: data.enableTls ?? /^(mqtts|wss):/.test(data.brokerUrl),
  });
}

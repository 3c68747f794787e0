import * as z from 'zod';

/** How the text of a variable becomes a value. What the value may be is the business of whoever uses it. */
const text = z.string().trim();
/** Spaces may be a part of a password. */
const secret = z.string();
const wholeNumber = z
  .string()
  .trim()
  .regex(/^[+-]?\d{1,15}$/, 'expected a whole number')
  .transform(Number);
const flag = z
  .string()
  .trim()
  .pipe(z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'], error: 'expected true or false' }));

/** One environment variable of the service. */
export interface Variable {
  readonly name: string;
  /** Dotted path of what it sets: of a `MqttSyncOptions` field, or of a `ServiceSettings` field. */
  readonly path: string;
  readonly type: z.ZodType<unknown, string>;
  /** For people; the value itself comes from the options or the settings. */
  readonly byDefault: string;
  readonly meaning: string;
  /** Its value never appears in any output. */
  readonly isSecret?: true;
}

/** Variables that set an option of `MqttSyncModule`, which also checks their values. */
export const SYNC_VARIABLES: readonly Variable[] = [
  {
    name: 'MQTT_BROKER_URL',
    path: 'brokerUrl',
    type: text,
    byDefault: 'mqtt://localhost:1883',
    meaning: 'broker; mqtt, mqtts, ws or wss; mqtts and wss turn TLS on',
  },
  { name: 'MQTT_USERNAME', path: 'username', type: text, byDefault: '', meaning: 'user name at the broker' },
  {
    name: 'MQTT_PASSWORD',
    path: 'password',
    type: secret,
    byDefault: '',
    meaning: 'password at the broker',
    isSecret: true,
  },
  {
    name: 'MQTT_PASSWORD_FILE',
    path: 'passwordFile',
    type: text,
    byDefault: '',
    meaning: 'file with the password, read again at every connect',
  },
  {
    name: 'MQTT_TLS_REJECT_UNAUTHORIZED',
    path: 'tls.rejectUnauthorized',
    type: flag,
    byDefault: 'true',
    meaning: 'false accepts any certificate',
  },
  {
    name: 'MQTT_TLS_CA_FILE',
    path: 'tls.caFile',
    type: text,
    byDefault: '',
    meaning: 'own certificate authorities (PEM), read again at every connect',
  },
  {
    name: 'MQTT_TLS_CERT_FILE',
    path: 'tls.certFile',
    type: text,
    byDefault: '',
    meaning: 'client certificate (PEM), read again at every connect',
  },
  {
    name: 'MQTT_TLS_KEY_FILE',
    path: 'tls.keyFile',
    type: text,
    byDefault: '',
    meaning: 'key of the client certificate (PEM), read again at every connect',
  },
  { name: 'MQTT_PROTOCOL', path: 'protocol', type: text, byDefault: 'auto', meaning: 'auto, 5 or 3.1.1' },
  {
    name: 'MQTT_RESUME_SESSION',
    path: 'resumeSession',
    type: flag,
    byDefault: 'true',
    meaning: 'false begins a clean session at every connect: QoS 2 at least once, whatever the broker forgets',
  },
  {
    name: 'MQTT_KEEPALIVE_S',
    path: 'keepaliveS',
    type: wholeNumber,
    byDefault: '60',
    meaning: 'seconds between pings on an idle connection',
  },
  {
    name: 'MQTT_RECONNECT_MAX_S',
    path: 'reconnectMaxS',
    type: wholeNumber,
    byDefault: '10',
    meaning: 'cap of the reconnect backoff, in seconds',
  },
  {
    name: 'VESSEL_ID',
    path: 'vesselId',
    type: text,
    byDefault: 'the host name',
    meaning: 'id of this side: 1 to 64 letters, digits, dots, dashes, underscores',
  },
  {
    name: 'MQTT_TOPIC_PREFIX',
    path: 'topicPrefix',
    type: text,
    byDefault: 'vessel/sync',
    meaning: 'topics are <prefix>/<entity>; may hold {vesselId}',
  },
  {
    name: 'MQTT_INBOUND_PREFIX',
    path: 'inboundPrefix',
    type: text,
    byDefault: 'as MQTT_TOPIC_PREFIX',
    meaning: 'prefix of incoming changes; + may stand for a level',
  },
  {
    name: 'LOCAL_MODE',
    path: 'localMode',
    type: flag,
    byDefault: 'true',
    meaning: 'false turns sync off: nothing is stored or sent',
  },
  {
    name: 'MQTT_QUEUE_STORE',
    path: 'queue.store',
    type: text,
    byDefault: 'disk',
    meaning: 'disk or memory; memory survives no restart',
  },
  {
    name: 'MQTT_QUEUE_DIR',
    path: 'queue.dir',
    type: text,
    byDefault: '.mqtt-queue',
    meaning: 'folder of the disk store; one process per folder',
  },
  {
    name: 'MQTT_MAX_QUEUE_SIZE',
    path: 'queue.maxMessages',
    type: wholeNumber,
    byDefault: '10000',
    meaning: 'limit of the queue in messages',
  },
  {
    name: 'MQTT_MAX_QUEUE_BYTES',
    path: 'queue.maxBytes',
    type: wholeNumber,
    byDefault: '1073741824',
    meaning: 'limit of the queue in bytes; whichever limit is met first',
  },
  {
    name: 'MQTT_JOURNAL_MAX_AGE_S',
    path: 'journal.maxAgeS',
    type: wholeNumber,
    byDefault: '604800',
    meaning: 'how long delivered changes are kept for catch-up, in seconds',
  },
  {
    name: 'MQTT_JOURNAL_MAX_BYTES',
    path: 'journal.maxBytes',
    type: wholeNumber,
    byDefault: '268435456',
    meaning: 'bytes of delivered changes kept on disk; 0 keeps none',
  },
  {
    name: 'MQTT_CATCH_UP_MAX_PER_SECOND',
    path: 'catchUp.maxPerSecond',
    type: wholeNumber,
    byDefault: '50',
    meaning: 'changes a second sent again on request, at most',
  },
  {
    name: 'MQTT_MAX_MESSAGE_BYTES',
    path: 'maxMessageBytes',
    type: wholeNumber,
    byDefault: '262144',
    meaning: 'largest envelope in bytes; larger changes are rejected',
  },
  {
    name: 'MQTT_OVERFLOW_POLICY',
    path: 'queue.overflowPolicy',
    type: text,
    byDefault: 'drop-oldest',
    meaning: 'drop-oldest, drop-lowest-priority or reject',
  },
  {
    name: 'MQTT_INFLIGHT_WINDOW',
    path: 'inflightWindow',
    type: wholeNumber,
    byDefault: '1000',
    meaning: 'most messages in flight, never above half the queue',
  },
  {
    name: 'HEALTH_MAX_AGE_S',
    path: 'healthMaxAgeS',
    type: wholeNumber,
    byDefault: '300',
    meaning: 'an older undelivered message means degraded',
  },
  {
    name: 'SHUTDOWN_DEADLINE_MS',
    path: 'shutdownDeadlineMs',
    type: wholeNumber,
    byDefault: '5000',
    meaning: 'time for an orderly stop, in milliseconds',
  },
];

/** Variables of the service itself. */
export const SERVICE_VARIABLES: readonly Variable[] = [
  { name: 'PORT', path: 'port', type: wholeNumber, byDefault: '5000', meaning: 'HTTP port; 0 takes a free one' },
  { name: 'HOST', path: 'host', type: text, byDefault: '0.0.0.0', meaning: 'HTTP address' },
  {
    name: 'SYNC_INGRESS_TOKEN',
    path: 'ingressToken',
    type: secret,
    byDefault: '',
    meaning: 'bearer token for posting; unset: only loopback clients may, and no page of others in a browser',
    isSecret: true,
  },
  {
    name: 'SYNC_INGRESS_TOKEN_FILE',
    path: 'ingressTokenFile',
    type: text,
    byDefault: '',
    meaning: 'file with that token in its first line, read at the start; wins',
  },
  {
    name: 'SYNC_TCP_PORT',
    path: 'tcpPort',
    type: wholeNumber,
    byDefault: 'off',
    meaning: 'opens a Nest TCP transport on 127.0.0.1; 0 takes a free port',
  },
  {
    name: 'HEALTH_RATE_LIMIT',
    path: 'healthRateLimit',
    type: wholeNumber,
    byDefault: '60',
    meaning: 'requests a minute per client on the health document',
  },
  {
    name: 'LOG_LEVEL',
    path: 'logLevel',
    type: text,
    byDefault: 'info',
    meaning: 'fatal, error, warn, info, debug or verbose',
  },
  {
    name: 'LOG_LEVELS',
    path: 'logLevels',
    type: text,
    byDefault: '',
    meaning: 'levels of single categories, such as MqttSync.connection=debug,Messages=debug',
  },
];

export const VARIABLES: readonly Variable[] = [...SYNC_VARIABLES, ...SERVICE_VARIABLES];

import * as os from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { brokerUrlFault } from './broker-url.js';
import { OptionsError } from './errors.js';
import type { MqttSyncOptions } from './mqtt-sync.options.js';
import { isEntityType } from './wire/entity-policies.js';
import { LANES } from './wire/lanes.js';
import { isVesselId, VESSEL_ID_FORM } from './wire/vessel-id.js';

function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

const filePath = z.string().min(1);
const DAY_S = 86_400;

const vesselId = z.string().refine(isVesselId, `expected ${VESSEL_ID_FORM}`);

const anyPrefix = z
  .string()
  .min(1, 'expected 1 to 256 characters')
  .max(256, 'expected 1 to 256 characters')
  .refine((prefix) => !/^[/$]|\/$|\/\//.test(prefix), 'must not start with / or $, end with /, or have an empty level')
  .refine((prefix) => !/[{}]/.test(prefix.replaceAll('{vesselId}', '')), 'the only placeholder is {vesselId}');

const topicPrefix = anyPrefix.refine((prefix) => !/[+#\0]/.test(prefix), 'must not contain +, # or NUL');

const inboundPrefix = anyPrefix
  .refine((prefix) => !/[#\0]/.test(prefix), 'must not contain # or NUL')
  .refine(
    (prefix) => prefix.split('/').every((level) => level === '+' || !level.includes('+')),
    '+ takes a whole level',
  );

// The URL standard takes spaces around a URL off as well: whoever looks at its text has to see the same.
const brokerUrl = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const fault = brokerUrlFault(text);
    if (fault !== undefined) context.addIssue(fault);
  });

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
  })
  .refine((options) => hasUserName(options) || !hasPassword(options), {
    path: ['username'],
    message: 'is missing: a password is given, here or in the URL, and cannot be sent without a user name',
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

/** Credentials as they are given; what is wrong with an option by itself is said elsewhere. */
interface GivenCredentials {
  readonly brokerUrl?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
  readonly passwordFile?: unknown;
}

const isGiven = (option: unknown): boolean => option !== undefined;

/** An empty one counts that is given as an option: some brokers want a token for a password, and look at nothing else. */
function hasUserName({ brokerUrl, username }: GivenCredentials): boolean {
  return isGiven(username) || inUrl(brokerUrl).username !== '';
}

function hasPassword({ brokerUrl, password, passwordFile }: GivenCredentials): boolean {
  return isGiven(password) || isGiven(passwordFile) || inUrl(brokerUrl).password !== '';
}

function inUrl(brokerUrl: unknown): Pick<URL, 'username' | 'password'> {
  const isUrl = typeof brokerUrl === 'string' && URL.canParse(brokerUrl);
  return isUrl ? new URL(brokerUrl) : { username: '', password: '' };
}

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

/** By the parsed URL: whoever writes MQTTS:// would otherwise be connected in the clear. */
function asksForTls(url: string): boolean {
  return ['mqtts:', 'wss:'].includes(new URL(url).protocol);
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
    tlsEnabled: data.enableTls ?? asksForTls(data.brokerUrl),
  });
}

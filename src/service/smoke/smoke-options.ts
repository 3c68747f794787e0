import { parseArgs } from 'node:util';
import type { MqttSyncOptions } from '../../mqtt-sync/mqtt-sync.options.js';
import { resolveOptions, type ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import { TokenFileError, tokenIn } from '../token-file.js';

/** What a smoke test is told. */
export interface SmokeOptions {
  /** Where the instance answers, without a slash at the end. */
  readonly url: string;
  /** Bearer token for posting. */
  readonly token: string | undefined;
  /** How to reach the broker; undefined: the probe is watched from the instance's own metrics. */
  readonly broker: ResolvedOptions | undefined;
  /** For each step, in milliseconds. */
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** The arguments or the environment make no sense; the message says which. */
export class SmokeUsageError extends Error {
  override readonly name = 'SmokeUsageError';
}

export const SMOKE_HELP = `Smoke test of a deployed ARUS MQTT Sync: asks its probes, health and metrics, posts one change, and waits for it at the broker.

Usage: npm run smoke -- --url URL [--broker URL] [options]
       node dist/service/smoke/main.js --url URL [--broker URL] [options]

  --url URL         the instance, such as http://127.0.0.1:5000
  --broker URL      the broker (mqtt, mqtts, ws, wss): the probe is awaited there by a subscriber of its own. Without it the
                    counters and the queue of the instance are watched instead
  --token-file FILE token for posting, else SYNC_INGRESS_TOKEN_FILE or SYNC_INGRESS_TOKEN
  --token TOKEN     the same, but others on this machine can read it
  --ca FILE         authority of the broker's certificate (PEM), else MQTT_TLS_CA_FILE
  --cert FILE, --key FILE
                    client certificate (PEM), else MQTT_TLS_CERT_FILE, MQTT_TLS_KEY_FILE
  --username NAME   at the broker, else MQTT_USERNAME; the password is MQTT_PASSWORD or in the file MQTT_PASSWORD_FILE
  --timeout SECONDS for each step                                                                          (default: 30)
  --json            one JSON document in place of lines
  --help

The probe is one change of the entity type smoke_probe, QoS 1, not retained. It is not posted while the instance is not
connected. The subscriber needs the right to read <prefix>/smoke_probe.

Exit code: 0 all passed; 1 something failed; 64 wrong usage.

Examples:
  npm run smoke -- --url http://127.0.0.1:5000
  MQTT_PASSWORD_FILE=shore.password npm run smoke -- --url http://ship:5000 --token-file ingress.token \\
    --broker mqtts://broker.shore.example:8884 --ca ca.crt --username shore`;

const FLAGS = {
  url: { type: 'string' },
  broker: { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  username: { type: 'string' },
  timeout: { type: 'string', default: '30' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true }).values;
  } catch (error) {
    throw new SmokeUsageError((error as Error).message, { cause: error });
  }
}

/**
 * Understands arguments and environment; undefined: help is asked for. An empty variable counts as unset.
 * @throws {SmokeUsageError} saying what is wrong; never the value of a secret.
 */
export function readSmokeOptions(args: readonly string[], env: NodeJS.ProcessEnv): SmokeOptions | undefined {
  const flags = parseFlags(args);
  if (flags.help) return undefined;
  return {
    url: urlOf(flags.url),
    token: tokenOf(flags, env),
    broker: flags.broker === undefined ? undefined : brokerOf(flags.broker, flags, env),
    timeoutMs: timeoutOf(flags.timeout) * 1000,
    json: flags.json,
  };
}

function urlOf(text: string | undefined): string {
  if (text === undefined) throw new SmokeUsageError('--url is missing: the instance to test');
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new SmokeUsageError('--url: expected http:// or https://, such as http://127.0.0.1:5000');
  }
  return text.replace(/\/+$/, '');
}

function timeoutOf(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) === 0) throw new SmokeUsageError('--timeout: expected 1 to 9999 seconds');
  return Number(text);
}

/** An option wins over the environment, and a file over a variable, as in the service. */
function tokenOf(flags: Flags, env: NodeJS.ProcessEnv): string | undefined {
  const file = flags['token-file'];
  if (file !== undefined) return firstLineOf('--token-file', file);
  if (flags.token !== undefined) return flags.token;
  const { SYNC_INGRESS_TOKEN_FILE, SYNC_INGRESS_TOKEN } = env;
  return SYNC_INGRESS_TOKEN_FILE
    ? firstLineOf('SYNC_INGRESS_TOKEN_FILE', SYNC_INGRESS_TOKEN_FILE)
    : SYNC_INGRESS_TOKEN || undefined;
}

function firstLineOf(name: string, file: string): string {
  try {
    return tokenIn(file);
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    throw new SmokeUsageError(`${name}: ${error.message}`, { cause: error });
  }
}

function brokerOf(brokerUrl: string, flags: Flags, env: NodeJS.ProcessEnv): ResolvedOptions {
  const tls = {
    ...given('caFile', flags.ca ?? env.MQTT_TLS_CA_FILE),
    ...given('certFile', flags.cert ?? env.MQTT_TLS_CERT_FILE),
    ...given('keyFile', flags.key ?? env.MQTT_TLS_KEY_FILE),
    ...(env.MQTT_TLS_REJECT_UNAUTHORIZED === 'false' && { rejectUnauthorized: false }),
  };
  const options: MqttSyncOptions = {
    brokerUrl,
    tls,
    ...given('username', flags.username ?? env.MQTT_USERNAME),
    ...given('password', env.MQTT_PASSWORD),
    ...given('passwordFile', env.MQTT_PASSWORD_FILE),
  };
  try {
    return resolveOptions(options);
  } catch (error) {
    throw new SmokeUsageError(`--broker: ${(error as Error).message}`, { cause: error });
  }
}

function given<Name extends string>(name: Name, value: string | undefined): { [Key in Name]?: string } {
  return value === undefined || value === '' ? {} : ({ [name]: value } as { [Key in Name]: string });
}

import { readFileSync } from 'node:fs';
import { TokenFileError, tokenIn } from '../../token-file.js';
import { usageError } from '../cli-error.js';
import { EnvironmentFileError, parseEnvironment } from './environment-file.js';

/** The options that say what a command works on. */
export interface TargetFlags {
  readonly url?: string;
  readonly queueDir?: string;
  readonly tokenFile?: string;
  readonly environmentFile?: string;
  readonly timeout?: string;
}

/** A service that runs. */
export interface ServiceAddress {
  readonly kind: 'service';
  /** Without a slash at the end, and without credentials. */
  readonly url: string;
  readonly token: string | undefined;
  /** For each answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether nobody chose it, so that it may well be another one that is meant. */
  readonly isDefault: boolean;
}

/** The folder of a queue whose service is stopped. */
export interface FolderAddress {
  readonly kind: 'folder';
  readonly dir: string;
}

export type TargetAddress = ServiceAddress | FolderAddress;

const DEFAULT_TIMEOUT_S = 10;

/**
 * The variables of the service as `--environment-file` has them, over those of this process. Not `--env-file`: Node takes an
 * option of that name for itself wherever it stands, before a command sees it.
 * @throws {CliError} the file cannot be read, or is none of variables.
 */
export function environmentOf({ environmentFile }: TargetFlags, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (environmentFile === undefined) return env;
  const name = '--environment-file';
  const text = readTextFile(name, environmentFile);
  try {
    return { ...env, ...parseEnvironment(text) };
  } catch (error) {
    throw error instanceof EnvironmentFileError
      ? usageError(`${name}: ${environmentFile} is no file of variables: ${error.message}.`)
      : error;
  }
}

/**
 * Understands what to work on.
 * @throws {CliError} the options make no sense; never with the value of a secret.
 */
export function targetOf(flags: TargetFlags, processEnv: NodeJS.ProcessEnv): TargetAddress {
  if (flags.queueDir !== undefined) {
    if (flags.url !== undefined) throw usageError('--url is for a running service and --queue-dir for a stopped one.');
    return { kind: 'folder', dir: flags.queueDir };
  }
  return serviceOf(flags, processEnv);
}

/**
 * Understands which running service to work on.
 * @throws {CliError} likewise.
 */
export function serviceOf(flags: TargetFlags, processEnv: NodeJS.ProcessEnv): ServiceAddress {
  const env = environmentOf(flags, processEnv);
  return {
    kind: 'service',
    url: flags.url === undefined ? defaultUrl(env) : checkedUrl(flags.url),
    token: tokenOf(flags, env),
    timeoutMs: secondsOf('--timeout', flags.timeout ?? String(DEFAULT_TIMEOUT_S)) * 1000,
    isDefault: flags.url === undefined,
  };
}

/**
 * Understands a number of seconds.
 * @throws {CliError}
 */
export function secondsOf(name: string, text: string): number {
  return numberOf(name, text, { from: 1, to: 86_400 });
}

/**
 * Understands a whole number.
 * @throws {CliError}
 */
export function numberOf(name: string, text: string, { from, to }: { readonly from: number; readonly to: number }) {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= from && number <= to) return number;
  throw usageError(`${name}: expected a whole number from ${from} to ${to}.`);
}

/** Where the service of the same environment listens, as seen from its own machine. */
function defaultUrl({ PORT, HOST }: NodeJS.ProcessEnv): string {
  // Without the spaces, as the service itself reads them.
  const [listening = '', port] = [HOST?.trim(), PORT?.trim()];
  const host = /^(|0\.0\.0\.0|::)$/.test(listening) ? '127.0.0.1' : listening;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port || '5000'}`;
  if (!URL.canParse(url)) throw usageError('HOST and PORT make no address: give --url.');
  return url;
}

function checkedUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw usageError('--url: expected http:// or https://, such as http://127.0.0.1:5000.');
  }
  const { username, password } = new URL(text);
  if (username || password) throw usageError('--url: the service knows no user names; give its token by --token-file.');
  return text.replace(/\/+$/, '');
}

/** A file wins over a variable, since it may be newer; an option over both. */
function tokenOf({ tokenFile }: TargetFlags, env: NodeJS.ProcessEnv): string | undefined {
  if (tokenFile !== undefined) return firstLineOf('--token-file', tokenFile);
  const { SYNC_INGRESS_TOKEN_FILE: file, SYNC_INGRESS_TOKEN: token } = env;
  return file ? firstLineOf('SYNC_INGRESS_TOKEN_FILE', file.trim()) : token || undefined;
}

function firstLineOf(name: string, file: string): string {
  try {
    return tokenIn(file);
  } catch (error) {
    throw error instanceof TokenFileError ? usageError(`${name}: ${error.message}.`) : error;
  }
}

function readTextFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${name}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`);
  }
}

import { readFile } from 'node:fs/promises';
import type { BrokerAddress } from './broker-address.js';
import type { ConnectionOptions } from './connection-options.js';

/** What one connection attempt authenticates with. */
export interface Secrets {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

type SecretOptions = Pick<ConnectionOptions, 'tlsEnabled' | 'tls' | 'username' | 'password' | 'passwordFile'>;

async function read(what: string, path: string): Promise<Buffer> {
  let content: Buffer;
  try {
    content = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new Error(`the ${what} ${path} cannot be read (${code})`, { cause: error });
  }
  // A file that is being replaced is empty for a moment; dialling with nothing would only be refused.
  if (content.length === 0) throw new Error(`the ${what} ${path} is empty`);
  return content;
}

async function readOptional(what: string, path: string | undefined): Promise<Buffer | undefined> {
  return path === undefined ? undefined : read(what, path);
}

async function readPassword(options: SecretOptions, address: BrokerAddress): Promise<string | undefined> {
  if (options.passwordFile === undefined) return options.password ?? address.password;
  const content = await read('password file', options.passwordFile);
  return content.toString('utf8').split(/\r?\n/, 1)[0];
}

/**
 * Reads password, certificates and key anew, so that they can be rotated while the service runs. Options win over what
 * the URL holds.
 * @throws {Error} naming the file that is missing, unreadable or empty; never its content.
 */
export async function readSecrets(options: SecretOptions, address: BrokerAddress): Promise<Secrets> {
  const { caFile, certFile, keyFile } = options.tlsEnabled ? options.tls : {};
  // One after the other, so that of several bad files it is always the same one that is named.
  const password = await readPassword(options, address);
  const ca = await readOptional('CA file', caFile);
  const cert = await readOptional('client certificate file', certFile);
  const key = await readOptional('client key file', keyFile);
  return { username: options.username ?? address.username, password, ca, cert, key };
}

import type { SyncLogger } from '../logger.js';
import type { BrokerAddress, DialScheme } from './broker-address.js';
import type { ConnectionOptions } from './connection-options.js';

/** Says once, at the start, where the connection goes and how safe it is. */
export function logStart(
  logger: SyncLogger,
  options: ConnectionOptions,
  address: BrokerAddress,
  clientId: string,
): void {
  const { tlsEnabled, tls } = options;
  logger.log(`Connecting to ${address.shown} as ${clientId}, TLS ${tlsEnabled ? 'on' : 'off'}`);
  if (tlsEnabled && !tls.rejectUnauthorized) {
    logger.warn(
      'Broker certificates are NOT checked (rejectUnauthorized is false): anybody on the way can read and change the ' +
        'traffic. Give the CA file of the broker instead.',
    );
  }
  if (!tlsEnabled && hasTlsFiles(options)) logger.warn(unusedTlsFiles(address.scheme));
  const hasPassword = [options.password, options.passwordFile, address.password].some((given) => given !== undefined);
  if (hasPassword && !tlsEnabled && !address.isLoopback) {
    logger.warn(`The password goes to ${address.shown} in the clear; use mqtts or wss.`);
  }
}

/** Whether somebody who means TLS has set files for it. */
export function hasTlsFiles({ tls: { caFile, certFile, keyFile } }: Pick<ConnectionOptions, 'tls'>): boolean {
  return [caFile, certFile, keyFile].some((file) => file !== undefined);
}

/** What to say of such files where the connection has no TLS. */
export function unusedTlsFiles(scheme: DialScheme): string {
  const secured = scheme === 'ws' ? 'wss' : 'mqtts';
  return `TLS files are set, but the connection is ${scheme}, without TLS: they are not used. Use ${secured} in the broker's URL.`;
}

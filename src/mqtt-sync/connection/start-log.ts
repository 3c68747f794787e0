import type { SyncLogger } from '../logger.js';
import type { BrokerAddress } from './broker-address.js';
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
  const hasPassword = [options.password, options.passwordFile, address.password].some((given) => given !== undefined);
  if (hasPassword && !tlsEnabled && !address.isLoopback) {
    logger.warn(`The password goes to ${address.shown} in the clear; use mqtts or wss.`);
  }
}

import { MqttSyncError } from '../mqtt-sync/errors.js';

interface SystemError extends Error {
  readonly code: string;
  readonly port?: number;
  readonly address?: string;
  readonly hostname?: string;
}

/** Says why the service did not start, and what to do about it. */
export function describeStartFailure(error: unknown): string {
  if (error instanceof MqttSyncError) return `The service cannot start. ${error.message}`;
  if (isListenError(error)) {
    const { address, hostname, port, code, message } = error;
    const where = [address ?? hostname, port === undefined ? undefined : `port ${port}`].filter(Boolean).join(' ');
    return `The service cannot listen on ${where}: ${REASONS[code] ?? message}.`;
  }
  return `The service cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does. Set PORT or SYNC_TCP_PORT to a free one, or stop the other process',
  EACCES: 'it is not allowed to. Ports below 1024 are for root; set PORT to a higher one',
  EADDRNOTAVAIL: 'the address is not one of this machine. Set HOST to one that is, or to 0.0.0.0 for all',
  ENOTFOUND: 'there is no such host. Set HOST to an address of this machine, or to 0.0.0.0 for all',
};

function isListenError(error: unknown): error is SystemError {
  return (
    error instanceof Error && 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo')
  );
}

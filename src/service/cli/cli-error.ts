import { MqttSyncError, type SyncErrorCode } from '../../mqtt-sync/errors.js';
import { EXIT, type ExitCode } from './exit-codes.js';

/** A command cannot go on: what is wrong, what to do about it, and what to exit with. */
export class CliError extends Error {
  override readonly name = 'CliError';

  /** @param message whole sentences; never a secret. */
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Wrong arguments. */
export function usageError(message: string): CliError {
  return new CliError(`${message} Try --help.`, EXIT.usage);
}

const EXIT_OF: Readonly<Partial<Record<SyncErrorCode, ExitCode>>> = {
  QUEUE_LOCKED: EXIT.locked,
  QUEUE_UNAVAILABLE: EXIT.unavailable,
  STOPPING: EXIT.unavailable,
};

/** What to say of any error, in one line, and what to exit with. */
export function describeError(error: unknown): { readonly text: string; readonly exitCode: ExitCode } {
  if (error instanceof CliError) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof MqttSyncError) return { text: error.message, exitCode: EXIT_OF[error.code] ?? EXIT.failed };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `Something went wrong inside the command line, which is a defect: ${text}`, exitCode: EXIT.failed };
}

/** What the library logs to; the Nest `Logger` fits. */
export interface SyncLogger {
  debug(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Discards everything. */
export const silentLogger: SyncLogger = { debug() {}, log() {}, warn() {}, error() {} };

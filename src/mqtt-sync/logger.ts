/**
 * Facts of a line that a machine searches for, such as the id of the message that it speaks of. Names and numbers, never
 * data of a change. A line's text says the same for people.
 */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** What the library logs to; the Nest `Logger` fits, and shows the fields as its structured parameters. */
export interface SyncLogger {
  debug(message: string, fields?: LogFields): void;
  log(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Discards everything. */
export const silentLogger: SyncLogger = { debug() {}, log() {}, warn() {}, error() {} };

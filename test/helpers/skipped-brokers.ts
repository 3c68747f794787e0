/** Environment variable with the file in which test groups note that they were skipped for want of a broker. */
export const SKIPPED_BROKERS_FILE = 'ARUS_SKIPPED_BROKERS_FILE';

/** One group of tests that was skipped. */
export interface SkippedGroup {
  readonly broker: string;
  readonly group: string;
}

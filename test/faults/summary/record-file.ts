import type { FaultReport } from '../oracle/report.js';

/** Environment variable with the file in which the tests leave their reports for the summary. */
export const RECORDS_FILE = 'ARUS_FAULTS_RECORDS';

/** A line of that file. */
export type FaultRecord =
  | { readonly kind: 'report'; readonly test: string; readonly report: FaultReport }
  | { readonly kind: 'limit'; readonly test: string; readonly what: string }
  | { readonly kind: 'not_tested'; readonly test: string; readonly why: string };

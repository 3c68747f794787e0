/** One thing that was looked at. */
export interface SmokeCheck {
  readonly name: string;
  readonly passed: boolean;
  /** What was found, or what is wrong. */
  readonly detail: string;
  readonly tookMs: number;
}

/** Everything that was looked at. */
export interface SmokeResult {
  readonly url: string;
  /** How the probe was watched; undefined when it was not posted. */
  readonly witness: 'broker' | 'metrics' | undefined;
  readonly passed: boolean;
  /** From posting the probe to seeing it, in milliseconds; undefined when it was not seen. */
  readonly roundTripMs: number | undefined;
  readonly checks: readonly SmokeCheck[];
}

/** A line for people. */
export function lineOf({ passed, name, detail, tookMs }: SmokeCheck): string {
  return `${passed ? 'PASS' : 'FAIL'}  ${name.padEnd(10)}  ${detail} (${Math.round(tookMs)} ms)`;
}

/** The last line for people. */
export function summaryOf({ passed, checks }: SmokeResult): string {
  const failed = checks.filter((check) => !check.passed).length;
  return passed ? `PASS: ${checks.length} checks` : `FAIL: ${failed} of ${checks.length} checks`;
}

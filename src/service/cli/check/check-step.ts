/** What is looked at, in this order. */
export type CheckName =
  'configuration' | 'files' | 'dns' | 'tcp' | 'tls' | 'connect' | 'limits' | 'publish' | 'subscribe' | 'round_trip';

/** One thing that was looked at. */
export interface CheckStep {
  readonly name: CheckName;
  /** `warning`: it works, but not as well as it could. After `failed` nothing more is looked at. */
  readonly status: 'ok' | 'warning' | 'failed';
  /** What was found. */
  readonly detail: string;
  /** What to do, one sentence each; empty when there is nothing to do. */
  readonly advice: readonly string[];
  readonly tookMs: number;
}

/** A step has failed: what is wrong, and what to do. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';

  constructor(
    detail: string,
    readonly advice: readonly string[] = [],
  ) {
    super(detail);
  }
}

/** What a step that did not fail has found; with advice it is a warning. */
export interface Finding {
  readonly detail: string;
  readonly advice?: readonly string[];
}

/** Carries out one step and tells how it went. Only a `CheckFailure` is an answer; anything else is a defect of ours. */
export async function carryOut(name: CheckName, look: () => Promise<Finding> | Finding): Promise<CheckStep> {
  const since = performance.now();
  const step = (status: CheckStep['status'], detail: string, advice: readonly string[]): CheckStep => {
    return { name, status, detail, advice, tookMs: performance.now() - since };
  };
  try {
    const { detail, advice = [] } = await look();
    return step(advice.length > 0 ? 'warning' : 'ok', detail, advice);
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error;
    return step('failed', error.message, error.advice);
  }
}

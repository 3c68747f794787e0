/** Limits of a backoff, in milliseconds. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The longest delay before attempt `attempt` (0 is the first retry): min(cap, base * 2^attempt). */
export function backoffCeiling(attempt: number, { baseMs, capMs }: BackoffLimits): number {
  // 2^30 is beyond any cap, and larger exponents would end in Infinity.
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
}

/**
 * Delay before attempt `attempt` (0 is the first retry) with exponential growth and full jitter: a uniformly random
 * share of the ceiling, so that a fleet that lost one broker does not come back in step.
 */
export function fullJitterDelay(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  return random() * backoffCeiling(attempt, limits);
}

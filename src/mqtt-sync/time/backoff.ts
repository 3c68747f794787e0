/** Limits of a backoff, in milliseconds. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Delay before attempt `attempt` (0 is the first retry) with exponential growth and full jitter: a uniformly random
 * share of min(cap, base * 2^attempt), so that a fleet that lost one broker does not come back in step.
 */
export function fullJitterDelay(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  // 2^30 is beyond any cap, and larger exponents would end in Infinity.
  const ceilingMs = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt, 30));
  return random() * ceilingMs;
}

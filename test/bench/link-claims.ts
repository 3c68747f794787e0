import { PROFILE_TABLE, type ProfileId } from './profiles.js';
import type { ScenarioId } from './run.js';

const ROUND_TRIP_TOLERANCE = 0.1;
const RATE_TOLERANCE = 0.05;

/** Node's timers have whole milliseconds and come up to one late, each way. */
const TIMERS_MS = 2;

/** What nothing but TCP found out about a link. */
export interface LinkMeasurement {
  /** Median. */
  readonly roundTripMs: number;
  readonly bytesPerSecond: number;
}

/** Links that are shaped, and so can be other than they claim. */
const SHAPED = ['lan', 'geo', 'certus'] as const;
export type ShapedProfileId = (typeof SHAPED)[number];

const USED_BY: Partial<Record<ScenarioId, readonly ShapedProfileId[]>> = {
  link: SHAPED,
  steady: ['lan'],
  drain: SHAPED,
  alert: ['geo'],
};

/** The shaped links that scenarios use, of those that were chosen. Recovery has no other link and uses it anyway. */
export function shapedLinks(scenarios: readonly ScenarioId[], profiles: readonly ProfileId[]): ShapedProfileId[] {
  const isUsed = (profile: ShapedProfileId) => scenarios.some((scenario) => USED_BY[scenario]?.includes(profile));
  return SHAPED.filter(
    (profile) =>
      (profiles.includes(profile) && isUsed(profile)) || (profile === 'geo' && scenarios.includes('recovery')),
  );
}

/** How a link is other than it claims to be: one sentence for each claim that does not hold. */
export function brokenClaims(profile: ProfileId, { roundTripMs, bytesPerSecond }: LinkMeasurement): string[] {
  const { delayMs = 0, jitterMs = 0, bytesPerSecond: rate } = PROFILE_TABLE[profile].quality ?? {};
  const [fastestMs, slowestMs] = [2 * delayMs, 2 * (delayMs + jitterMs)];
  const broken: string[] = [];
  if (
    roundTripMs < fastestMs * (1 - ROUND_TRIP_TOLERANCE) ||
    roundTripMs > slowestMs * (1 + ROUND_TRIP_TOLERANCE) + TIMERS_MS
  ) {
    const claim = jitterMs > 0 ? `${fastestMs} to ${slowestMs} ms` : `${fastestMs} ms`;
    broken.push(`${profile} claims a round trip of ${claim}; it takes ${roundTripMs.toFixed(1)} ms.`);
  }
  if (rate !== undefined && Math.abs(bytesPerSecond / rate - 1) > RATE_TOLERANCE) {
    broken.push(`${profile} claims ${rate} bytes/s; it carries ${Math.round(bytesPerSecond)} bytes/s.`);
  }
  return broken;
}

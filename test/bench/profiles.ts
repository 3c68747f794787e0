import type { LinkQuality } from '../helpers/shaped-pipe.js';

export const PROFILES = ['loopback', 'lan', 'geo', 'certus'] as const;
export type ProfileId = (typeof PROFILES)[number];

/** A link between ship and shore. */
export interface Profile {
  readonly title: string;
  /** Both directions alike; undefined: no proxy between contender and broker. */
  readonly quality: LinkQuality | undefined;
  /** How the link comes and goes. */
  readonly gaps?: { readonly firstAfterMs: number; readonly everyMs: number; readonly lengthMs: number };
}

const KBIT_PER_S = 1000 / 8;

export const PROFILE_TABLE: Readonly<Record<ProfileId, Profile>> = {
  loopback: { title: 'loopback', quality: undefined },
  lan: { title: 'LAN, 2 ms round trip', quality: { delayMs: 1 } },
  geo: {
    title: 'GEO, 600 ms round trip, up to 50 ms jitter, 2 Mbit/s',
    // The jitter is that of a round trip: half of it each way.
    quality: { delayMs: 300, jitterMs: 25, bytesPerSecond: 2000 * KBIT_PER_S },
  },
  certus: {
    title: 'Certus, 700 ms round trip, 352 kbit/s, gaps of 7 s every 30 s (70 s scaled down 1:10)',
    quality: { delayMs: 350, bytesPerSecond: 352 * KBIT_PER_S },
    gaps: { firstAfterMs: 5000, everyMs: 30_000, lengthMs: 7000 },
  },
};

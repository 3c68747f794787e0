/** The lanes of the queue, most urgent first. */
export const LANES = ['critical', 'normal', 'bulk'] as const;

/** One priority inside the queue. */
export type Lane = (typeof LANES)[number];

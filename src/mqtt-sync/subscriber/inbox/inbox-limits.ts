/** How long message ids and the newest change of each key are remembered. */
export interface HandledLimits {
  /** The oldest is forgotten beyond that. */
  readonly maxIds: number;
  readonly maxAgeS: number;
}

/** How many messages may be parked, and how large their payloads may be together; the oldest goes beyond that. */
export interface ParkedLimits {
  readonly maxParked: number;
  readonly maxParkedBytes: number;
}

/** What an inbox keeps, and from where on changes of a stream are missing. */
export interface InboxLimits extends HandledLimits, ParkedLimits {
  readonly catchUpFrom: 'first_seen' | 'beginning';
}

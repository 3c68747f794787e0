/** What the system says that it counted, in one of the places where it says so. */
export interface ClaimedCounters {
  /** `SyncStatistics`, `health document`, `Prometheus`, ... */
  readonly source: string;
  /** Delivered, QoS 0 included. */
  readonly published?: number | undefined;
  readonly dropped?: number | undefined;
  readonly deadLettered?: number | undefined;
  /** Accepted and not yet delivered. */
  readonly depth?: number | undefined;
}

/** The same numbers as the oracle has them. */
export type TrueCounters = Readonly<Record<Exclude<keyof ClaimedCounters, 'source'>, number>>;

/** Every number that is not what the oracle has. */
export function disagreements({ source, ...claimed }: ClaimedCounters, truth: TrueCounters): string[] {
  return Object.entries(claimed).flatMap(([name, value]) => {
    const right = truth[name as keyof TrueCounters];
    return value === undefined || value === right ? [] : [`${source}: ${name} is ${value}, and should be ${right}`];
  });
}

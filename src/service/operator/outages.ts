/** Why there was no connection. */
export type OutageKind =
  /** The link, the broker or its refusal. */
  | 'disconnected'
  /** The service did not run. */
  | 'not_running';

/** A time without connection to the broker; milliseconds since 1970. */
export interface Outage {
  readonly kind: OutageKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** What was said last about why. */
  readonly reason: string;
  /** How many outages this stands for: when there are too many, neighbours are told as one. */
  readonly count: number;
}

/** Enough for a picture, and a few kilobytes. */
const MOST_OUTAGES = 100;

/** The outages of the past, oldest first, bounded: when there are too many, those closest together become one. */
export class Outages {
  private readonly list: Outage[];

  constructor(
    list: readonly Outage[] = [],
    private readonly most = MOST_OUTAGES,
  ) {
    this.list = [...list];
  }

  add(outage: Outage): void {
    this.list.push(outage);
    if (this.list.length > this.most) this.joinClosest();
  }

  toArray(): readonly Outage[] {
    return [...this.list];
  }

  private joinClosest(): void {
    let at = 0;
    for (let index = 1; index < this.list.length - 1; index++) {
      if (this.gapAfter(index) < this.gapAfter(at)) at = index;
    }
    const [first, second] = [this.list[at]!, this.list[at + 1]!];
    this.list.splice(at, 2, {
      kind: first.kind === second.kind ? first.kind : 'disconnected',
      fromMs: first.fromMs,
      toMs: second.toMs,
      reason: second.reason,
      count: first.count + second.count,
    });
  }

  private gapAfter(index: number): number {
    return this.list[index + 1]!.fromMs - this.list[index]!.toMs;
  }
}

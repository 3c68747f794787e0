/** What happened between two looks, and how much waits. */
export interface FlowSample {
  readonly accepted: number;
  readonly delivered: number;
  readonly waiting: number;
}

/** A bucket of time, with its place in the series. */
export interface FlowBucket extends FlowSample {
  /** Rises by one every `stepMs`; a number that is left out is a time in which nothing moved. */
  readonly number: number;
}

/** The buckets of a series as columns, oldest first, which is shorter on the wire than as rows. */
export interface FlowColumns {
  readonly stepMs: number;
  /** How many buckets the series keeps. */
  readonly length: number;
  /** When the newest bucket began. */
  readonly newestFrom: string;
  /** Number of the newest bucket. */
  readonly newest: number;
  /** Messages accepted in each bucket. */
  readonly accepted: readonly number[];
  /** Messages delivered in each bucket. */
  readonly delivered: readonly number[];
  /** Most messages that waited at one time in each bucket. */
  readonly waiting: readonly number[];
}

/** The flow of the recent past in buckets of one length; what is older than `length` buckets is forgotten. */
export class FlowSeries {
  private readonly buckets: FlowSample[] = [];
  private number: number;

  /** @param nowMs monotonic, like every time here. */
  constructor(
    readonly stepMs: number,
    private readonly length: number,
    nowMs: number,
  ) {
    this.number = Math.floor(nowMs / stepMs);
    this.buckets.push({ accepted: 0, delivered: 0, waiting: 0 });
  }

  add(nowMs: number, { accepted, delivered, waiting }: FlowSample): void {
    const number = Math.floor(nowMs / this.stepMs);
    // After a long pause of the process nothing older than the series is filled in.
    this.number = Math.max(this.number, number - this.length);
    while (this.number < number) {
      this.number++;
      this.buckets.push({ accepted: 0, delivered: 0, waiting });
    }
    this.buckets.splice(0, this.buckets.length - this.length);
    const { newest } = this;
    this.buckets[this.buckets.length - 1] = {
      accepted: newest.accepted + accepted,
      delivered: newest.delivered + delivered,
      waiting: Math.max(newest.waiting, waiting),
    };
  }

  get newest(): FlowBucket {
    return { number: this.number, ...this.buckets.at(-1)! };
  }

  /** @param wallMs the wall clock at `nowMs`. */
  columns(nowMs: number, wallMs: number): FlowColumns {
    const { stepMs, length, number, buckets } = this;
    const newestFrom = new Date(Math.round(wallMs - nowMs + number * stepMs)).toISOString();
    return {
      ...{ stepMs, length, newestFrom, newest: number },
      accepted: buckets.map(({ accepted }) => accepted),
      delivered: buckets.map(({ delivered }) => delivered),
      waiting: buckets.map(({ waiting }) => waiting),
    };
  }
}

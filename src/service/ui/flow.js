/** The flow history as the page keeps it: the columns of the snapshot, brought up to date by every change. */

/** @typedef {import('../operator/flow-series.js').FlowColumns} Columns */
/** @typedef {import('../operator/flow-series.js').FlowBucket} Bucket */
/** @typedef {{ from: number, to: number, accepted: number, delivered: number, waiting: number }} Span a bucket with its time */

export class Flow {
  /** @param {Columns} columns */
  constructor({ stepMs, length, newestFrom, newest, accepted, delivered, waiting }) {
    this.stepMs = stepMs;
    this.length = length;
    /** When bucket 0 would have begun. */
    this.origin = Date.parse(newestFrom) - newest * stepMs;
    this.first = newest - waiting.length + 1;
    this.buckets = waiting.map((value, at) => ({
      accepted: accepted[at] ?? 0,
      delivered: delivered[at] ?? 0,
      waiting: value,
    }));
  }

  get spanMs() {
    return this.stepMs * this.length;
  }

  /** @param {Bucket} bucket */
  update({ number, accepted, delivered, waiting }) {
    this.extend(number);
    this.buckets[number - this.first] = { accepted, delivered, waiting };
  }

  /** What is not told did not change: nothing moved, and as much waits. @param {number} number */
  extend(number) {
    const waiting = this.buckets.at(-1)?.waiting ?? 0;
    while (this.first + this.buckets.length <= number) this.buckets.push({ accepted: 0, delivered: 0, waiting });
    const old = this.buckets.length - this.length;
    this.buckets.splice(0, old);
    this.first += Math.max(0, old);
  }

  /** @param {number} now @returns {Span[]} */
  spans(now) {
    const current = Math.floor((now - this.origin) / this.stepMs);
    const last = this.buckets.at(-1);
    const spans = this.buckets.map((bucket, at) => {
      const from = this.origin + (this.first + at) * this.stepMs;
      return { ...bucket, from, to: Math.min(from + this.stepMs, Math.max(now, from)) };
    });
    const end = this.origin + (this.first + this.buckets.length) * this.stepMs;
    if (last && current >= this.first + this.buckets.length) {
      spans.push({ accepted: 0, delivered: 0, waiting: last.waiting, from: end, to: now });
    }
    return spans;
  }

  /** Delivered a minute over the newest full minute. @param {number} now */
  deliveredPerMinute(now) {
    const recent = this.spans(now).filter(({ to }) => to > now - 60_000);
    const from = recent[0]?.from ?? now;
    const sum = recent.reduce((total, { delivered }) => total + delivered, 0);
    return (sum * 60_000) / Math.max(now - from, 5_000);
  }
}

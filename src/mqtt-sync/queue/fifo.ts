/** Below this many spent places moving the rest is not worth it. */
const SPENT_BEFORE_COMPACTION = 1024;

/** Whether so many spent places at the front of an array are worth moving the rest. */
export function isWorthCompacting(spent: number, length: number): boolean {
  return spent > SPENT_BEFORE_COMPACTION && spent * 2 > length;
}

/** First in, first out, in constant time; an array's own `shift()` moves everything behind. */
export class Fifo<T> {
  private items: (T | undefined)[] = [];
  private start = 0;

  get length(): number {
    return this.items.length - this.start;
  }

  get first(): T | undefined {
    return this.items[this.start];
  }

  /** The item that so many others are before. */
  at(index: number): T | undefined {
    return this.items[this.start + index];
  }

  /** Puts an item where so many others are before it. */
  insert(index: number, item: T): void {
    this.items.splice(this.start + index, 0, item);
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.start];
    this.items[this.start++] = undefined;
    if (this.start === this.items.length) this.clear();
    else if (isWorthCompacting(this.start, this.items.length)) this.compact();
    return item;
  }

  /** Puts items before the first one, keeping their order. */
  unshift(items: readonly T[]): void {
    this.compact();
    this.items = [...items, ...this.items];
  }

  /** Takes everything out. */
  drain(): T[] {
    this.compact();
    const items = this.items as T[];
    this.clear();
    return items;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = this.start; index < this.items.length; index++) yield this.items[index] as T;
  }

  private clear(): void {
    this.items = [];
    this.start = 0;
  }

  private compact(): void {
    this.items = this.items.slice(this.start);
    this.start = 0;
  }
}

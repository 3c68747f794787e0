import { isWorthCompacting } from './fifo.js';
import { lowerBound } from './lower-bound.js';

/**
 * Records sorted by position; appended at the end and mostly removed from the front, both in constant time. One that stays
 * at the front while others come and go behind it holds no more than a few places of theirs.
 */
export class PositionedRecords<T> {
  private positions: number[] = [];
  private records: (T | undefined)[] = [];
  private start = 0;
  /** Places without a record, those at the front included. */
  private holes = 0;

  append(position: number, record: T): void {
    this.positions.push(position);
    this.records.push(record);
  }

  /** Adds a record anywhere, or replaces the one there. */
  insert(position: number, record: T): void {
    const at = this.indexAfter(position - 1);
    const isThere = this.positions[at] === position;
    if (isThere && this.records[at] === undefined) this.holes--;
    this.positions.splice(at, isThere ? 1 : 0, position);
    this.records.splice(at, isThere ? 1 : 0, record);
  }

  remove(position: number): void {
    const at = this.indexAfter(position - 1);
    if (this.positions[at] !== position || this.records[at] === undefined) return;
    this.records[at] = undefined;
    this.holes++;
    while (this.start < this.records.length && this.records[this.start] === undefined) this.start++;
    if (isWorthCompacting(this.holes, this.records.length)) this.compact();
  }

  get(position: number): T | undefined {
    const at = this.indexAfter(position - 1);
    return this.positions[at] === position ? this.records[at] : undefined;
  }

  *after(position: number): Iterable<T> {
    for (let at = this.indexAfter(position); at < this.records.length; at++) {
      const record = this.records[at];
      if (record !== undefined) yield record;
    }
  }

  /** How many places are taken up, with a record or without. */
  get places(): number {
    return this.records.length;
  }

  private compact(): void {
    this.positions = this.positions.filter((_, at) => this.records[at] !== undefined);
    this.records = this.records.filter((record) => record !== undefined);
    this.start = 0;
    this.holes = 0;
  }

  private indexAfter(position: number): number {
    return lowerBound(this.start, this.positions.length, (at) => this.positions[at]! > position);
  }
}

import { isWorthCompacting } from './fifo.js';
import { lowerBound } from './lower-bound.js';

/** Records sorted by position; appended at the end and mostly removed from the front, both in constant time. */
export class PositionedRecords<T> {
  private positions: number[] = [];
  private records: (T | undefined)[] = [];
  private start = 0;

  append(position: number, record: T): void {
    this.positions.push(position);
    this.records.push(record);
  }

  /** Adds a record anywhere, or replaces the one there. */
  insert(position: number, record: T): void {
    const at = this.indexAfter(position - 1);
    const isThere = this.positions[at] === position;
    this.positions.splice(at, isThere ? 1 : 0, position);
    this.records.splice(at, isThere ? 1 : 0, record);
  }

  remove(position: number): void {
    const at = this.indexAfter(position - 1);
    if (this.positions[at] === position) this.records[at] = undefined;
    while (this.start < this.records.length && this.records[this.start] === undefined) this.start++;
    if (isWorthCompacting(this.start, this.records.length)) {
      this.positions = this.positions.slice(this.start);
      this.records = this.records.slice(this.start);
      this.start = 0;
    }
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

  private indexAfter(position: number): number {
    return lowerBound(this.start, this.positions.length, (at) => this.positions[at]! > position);
  }
}

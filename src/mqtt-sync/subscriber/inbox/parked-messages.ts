import type { ParkedLimits } from './inbox-limits.js';
import type { ParkedEntry } from './inbox-store.js';

/** Which messages are parked; they themselves are in the store. */
export class ParkedMessages {
  /** Bytes by position, oldest first. */
  private byPosition = new Map<number, number>();
  private total = 0;

  constructor(
    entries: readonly ParkedEntry[],
    private readonly limits: ParkedLimits,
  ) {
    for (const { position, bytes } of entries) this.add(position, bytes);
  }

  get count(): number {
    return this.byPosition.size;
  }

  get bytes(): number {
    return this.total;
  }

  /** Bytes of one; undefined when it is not parked. */
  bytesOf(position: number): number | undefined {
    return this.byPosition.get(position);
  }

  positionsAfter(after: number): number[] {
    return [...this.byPosition.keys()].filter((position) => position > after);
  }

  add(position: number, bytes: number): void {
    this.byPosition.set(position, bytes);
    this.total += bytes;
  }

  remove(position: number): void {
    this.total -= this.byPosition.get(position) ?? 0;
    this.byPosition.delete(position);
  }

  /** Takes a removal back. */
  restore(position: number, bytes: number): void {
    this.add(position, bytes);
    this.byPosition = new Map([...this.byPosition].sort(([a], [b]) => a - b));
  }

  /** The oldest ones that must go; one always stays. */
  excess(): number[] {
    const excess: number[] = [];
    let [count, bytes] = [this.count, this.bytes];
    for (const [position, size] of this.byPosition) {
      if (count <= 1 || (count <= this.limits.maxParked && bytes <= this.limits.maxParkedBytes)) break;
      excess.push(position);
      count--;
      bytes -= size;
    }
    return excess;
  }
}

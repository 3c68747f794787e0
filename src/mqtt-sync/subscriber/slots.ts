import { Fifo } from '../queue/fifo.js';

/** A number of places for work; who finds them taken waits, first come first served. */
export class Slots {
  private taken = 0;
  private readonly waiting = new Fifo<() => void>();

  constructor(private readonly count: number) {}

  /** How many places are in use. */
  get inUse(): number {
    return this.taken;
  }

  /** Takes a place; undefined: at once, else when there is one. */
  acquire(): Promise<void> | undefined {
    if (this.taken < this.count) {
      this.taken++;
      return undefined;
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Gives a place back, or hands it on to who waits longest. */
  release(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.taken--;
  }
}

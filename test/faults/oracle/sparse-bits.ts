const BITS_PER_PAGE = 65_536;

/** A set of whole numbers that costs a bit each where they are dense. */
export class SparseBits {
  private readonly pages = new Map<number, Uint32Array>();

  /** Adds a number; answers whether it was there already. */
  add(number: number): boolean {
    const pageNumber = Math.floor(number / BITS_PER_PAGE);
    let page = this.pages.get(pageNumber);
    if (!page) this.pages.set(pageNumber, (page = new Uint32Array(BITS_PER_PAGE / 32)));
    const bit = number % BITS_PER_PAGE;
    const word = page[bit >>> 5]!;
    const mask = 1 << (bit & 31);
    page[bit >>> 5] = word | mask;
    return (word & mask) !== 0;
  }
}

/** What is known of a message, as bits. */
export const Known = { obliged: 1, arrived: 2, dropped: 4, deadLettered: 8, unordered: 16, again: 32 } as const;

const FIRST_CAPACITY = 4096;

/** Columns of numbers per message id: about 150 bytes a message, most of them the id. */
export class MessageTable {
  private readonly slots = new Map<string, number>();
  private readonly entities: string[] = [];
  private readonly entityNumbers = new Map<string, number>();
  private flags = new Uint8Array(FIRST_CAPACITY);
  private entityOf = new Uint16Array(FIRST_CAPACITY);
  private sequences = new Float64Array(FIRST_CAPACITY);
  private fingerprints = new Float64Array(FIRST_CAPACITY);

  /** The row of a message; made when it is the first time. */
  row(messageId: string): number {
    let slot = this.slots.get(messageId);
    if (slot === undefined) {
      slot = this.slots.size;
      this.slots.set(messageId, slot);
      if (slot >= this.flags.length) this.grow();
    }
    return slot;
  }

  has(row: number, flag: number): boolean {
    return (this.flags[row]! & flag) !== 0;
  }

  set(row: number, flag: number): void {
    this.flags[row]! |= flag;
  }

  /** Notes what one side says of a message; answers what the other side said otherwise, or undefined if they agree. */
  describe(row: number, entity: string, sequence: number, fingerprint: number): string | undefined {
    // A hash of nothing but zeros will not come up.
    if (this.fingerprints[row] === 0) {
      this.entityOf[row] = this.numberOf(entity);
      this.sequences[row] = sequence;
      this.fingerprints[row] = fingerprint;
      return undefined;
    }
    if (this.entity(row) !== entity) return `entity ${this.entity(row)} became ${entity}`;
    if (this.sequences[row] !== sequence) return `sequence ${this.sequences[row]} became ${sequence}`;
    return this.fingerprints[row] === fingerprint ? undefined : 'another content';
  }

  entity(row: number): string {
    return this.entities[this.entityOf[row]!]!;
  }

  sequence(row: number): number {
    return this.sequences[row]!;
  }

  fingerprint(row: number): number {
    return this.fingerprints[row]!;
  }

  rows(): IterableIterator<[messageId: string, row: number]> {
    return this.slots.entries();
  }

  private numberOf(entity: string): number {
    let number = this.entityNumbers.get(entity);
    if (number === undefined) {
      number = this.entities.push(entity) - 1;
      this.entityNumbers.set(entity, number);
    }
    return number;
  }

  private grow(): void {
    const capacity = this.flags.length * 2;
    const larger = <Column extends Uint8Array | Uint16Array | Float64Array>(column: Column, to: Column): Column => {
      to.set(column);
      return to;
    };
    this.flags = larger(this.flags, new Uint8Array(capacity));
    this.entityOf = larger(this.entityOf, new Uint16Array(capacity));
    this.sequences = larger(this.sequences, new Float64Array(capacity));
    this.fingerprints = larger(this.fingerprints, new Float64Array(capacity));
  }
}

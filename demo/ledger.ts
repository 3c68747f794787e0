import { isDeepStrictEqual } from 'node:util';

/** A change as ship and shore both see it. */
export interface LedgerEntry {
  readonly messageId: string;
  readonly entity: string;
  readonly key: string;
  readonly sequence: number;
  readonly data: unknown;
}

/** How ship and shore compare. */
export interface Balance {
  /** Changes that the service answered with 202: each is a promise. */
  readonly accepted: number;
  /** Promises that were kept. */
  readonly delivered: number;
  readonly lost: number;
  /** First arrivals that came after a later change of the same entity. */
  readonly outOfOrder: number;
  /** Arrived with another content, entity, key or sequence than was accepted. */
  readonly altered: number;
  /** Arrived without ever having been accepted. */
  readonly unexpected: number;
  /** Sequence numbers that the service told the shore it would never see. */
  readonly dropped: number;
  /** Repeats on the wire that the shore removed; MQTT allows them after a cut. */
  readonly duplicatesRemoved: number;
}

/**
 * The books of the demo. The ship writes down what was accepted, the shore what arrived, and neither looks at the
 * other's column: the balance compares them. A change may well arrive before its 202 does.
 */
export class Ledger {
  private readonly accepted = new Map<string, LedgerEntry>();
  private readonly arrived = new Map<string, LedgerEntry>();
  private readonly newestOfKey = new Map<string, number>();
  private duplicates = 0;
  private outOfOrder = 0;
  private dropped = 0;

  get acceptedCount(): number {
    return this.accepted.size;
  }

  get arrivedCount(): number {
    return this.arrived.size;
  }

  get duplicateCount(): number {
    return this.duplicates;
  }

  /** The service answered 202. */
  recordAccepted(entry: LedgerEntry): void {
    this.accepted.set(entry.messageId, entry);
  }

  /** A change arrived on shore. Returns whether it is the first time. */
  recordArrival(entry: LedgerEntry): boolean {
    if (this.arrived.has(entry.messageId)) {
      this.duplicates++;
      return false;
    }
    this.arrived.set(entry.messageId, entry);
    const key = `${entry.entity} ${entry.key}`;
    const newest = this.newestOfKey.get(key) ?? 0;
    if (entry.sequence <= newest) this.outOfOrder++;
    else this.newestOfKey.set(key, entry.sequence);
    return true;
  }

  /** The service said that these sequence numbers will never come. */
  recordGap(count: number): void {
    this.dropped += count;
  }

  /** Whether everything accepted so far has arrived. */
  get isSettled(): boolean {
    return this.arrived.size >= this.accepted.size && this.missing().next().done === true;
  }

  /** Accepted and not arrived, oldest first. */
  *missing(): Generator<LedgerEntry> {
    for (const entry of this.accepted.values()) if (!this.arrived.has(entry.messageId)) yield entry;
  }

  balance(): Balance {
    const lost = [...this.missing()].length;
    let altered = 0;
    let unexpected = 0;
    for (const arrival of this.arrived.values()) {
      const promise = this.accepted.get(arrival.messageId);
      if (!promise) unexpected++;
      else if (!isDeepStrictEqual(promise, arrival)) altered++;
    }
    return {
      accepted: this.accepted.size,
      delivered: this.accepted.size - lost,
      lost,
      outOfOrder: this.outOfOrder,
      altered,
      unexpected,
      dropped: this.dropped,
      duplicatesRemoved: this.duplicates,
    };
  }
}

/** What is wrong with a balance, one line per fault; empty when it balances. */
export function faultsOf(balance: Balance): string[] {
  const faults: string[] = [];
  if (balance.accepted === 0) faults.push('nothing was accepted, so nothing was shown');
  if (balance.lost > 0) faults.push(`${balance.lost} accepted changes never arrived`);
  if (balance.outOfOrder > 0) faults.push(`${balance.outOfOrder} changes arrived after a later one of their entity`);
  if (balance.altered > 0) faults.push(`${balance.altered} changes arrived other than they were accepted`);
  if (balance.unexpected > 0) faults.push(`${balance.unexpected} changes arrived that were never accepted`);
  if (balance.dropped > 0) faults.push(`${balance.dropped} changes were dropped`);
  return faults;
}

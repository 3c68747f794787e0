import type { StreamId } from '../../wire/incoming-change.js';
import {
  type GapReason,
  numbersIn,
  type Range,
  type SequenceRange,
  SequenceRanges,
} from '../../wire/sequence-ranges.js';
import type { StreamAccount } from './inbox.js';

/**
 * Ranges that one stream keeps, of settled and of lost numbers each: 16 kB of record for every commit that touches it.
 * Holes in such a number come from many messages that were never told as lost: of QoS 0, or shared out to another instance.
 */
export const MAX_RANGES = 1000;

/** A stream as it is stored. */
export interface StreamRecord extends StreamId {
  /** Streams of one vessel and entity type are in this order, those that are live last. */
  readonly rank: number;
  /** Whether a change of it has come that was neither retained nor replayed. */
  readonly isLive: boolean;
  /** A newer epoch took over long ago: all numbers up to `floor` count as handled. */
  readonly isRetired: boolean;
  readonly first: number | undefined;
  readonly floor: number;
  readonly handledBefore: number;
  readonly lostBefore: number;
  readonly untracked: number;
  readonly settled: readonly Range[];
  readonly lost: readonly SequenceRange[];
}

/**
 * From where on numbers are missing, if this change is the first that can say so. `here`: from this change on. Undefined:
 * it cannot say, because it is a retained or replayed one, and may be any of the stream.
 */
export type ExpectedFrom = number | 'here' | undefined;

/**
 * The numbers of one stream. Each is settled (handled or lost) or not; an unsettled one between `first` and the highest
 * is missing. Up to `floor` they are only counted, and repeats are known by their message id alone.
 */
export class Stream implements StreamId {
  readonly vesselId: string;
  readonly epoch: number;
  readonly entity: string;
  private live!: boolean;
  private place!: number;
  private retired!: boolean;
  private settled!: SequenceRanges<'settled'>;
  private lost!: SequenceRanges;
  private first: number | undefined;
  private floor!: number;
  private handledBefore!: number;
  private lostBefore!: number;
  private untracked!: number;
  private missingNow: number | undefined;

  constructor(record: StreamRecord) {
    ({ vesselId: this.vesselId, epoch: this.epoch, entity: this.entity } = record);
    this.restore(record);
  }

  /** Makes it what it was. */
  restore(record: StreamRecord): void {
    ({ isLive: this.live, rank: this.place, isRetired: this.retired, first: this.first, floor: this.floor } = record);
    ({ untracked: this.untracked, handledBefore: this.handledBefore, lostBefore: this.lostBefore } = record);
    this.settled = new SequenceRanges(record.settled.map(({ from, to }) => ({ from, to, reason: 'settled' })));
    this.lost = new SequenceRanges(record.lost);
    this.missingNow = undefined;
  }

  static begin({ vesselId, epoch, entity }: StreamId, rank: number): Stream {
    const nothing = { floor: 0, handledBefore: 0, lostBefore: 0, untracked: 0, settled: [], lost: [] };
    const begun = { isLive: false, isRetired: false, first: undefined, ...nothing };
    return new Stream({ vesselId, epoch, entity, rank, ...begun });
  }

  /** The highest sequence that was handled, or told as lost. */
  get highest(): number {
    return Math.max(this.floor, this.settled.last?.to ?? 0);
  }

  get lostCount(): number {
    return this.lost.count + this.lostBefore;
  }

  get missingCount(): number {
    return (this.missingNow ??= numbersIn(this.missing()));
  }

  /** Whether a change of it has come that was neither retained nor replayed. */
  get isLive(): boolean {
    return this.live;
  }

  /** Its place among the epochs of its vessel and entity type. */
  get rank(): number {
    return this.place;
  }

  order(isLive: boolean, rank: number): void {
    this.live = isLive;
    this.place = rank;
  }

  get isRetired(): boolean {
    return this.retired;
  }

  isHandled(sequence: number): boolean {
    if (sequence <= this.floor) return this.retired;
    return this.settled.has(sequence) && !this.lost.has(sequence);
  }

  /** Whether a number is neither handled nor too old to be followed. */
  isOpen(sequence: number): boolean {
    return sequence > this.floor && !this.isHandled(sequence);
  }

  /** Whether it is known from which number on changes are expected. */
  get isFollowed(): boolean {
    return this.first !== undefined;
  }

  /** A change was handled whose number is open. Answers the numbers that are missing because of it. */
  handle(sequence: number, expectedFrom: ExpectedFrom): Range | undefined {
    const { first, highest } = this;
    if (expectedFrom === 'here') this.first ??= Math.max(sequence, this.highestHandled);
    else this.first ??= expectedFrom;
    const reason = this.lost.reasonOf(sequence);
    if (reason) this.lost.remove([{ from: sequence, to: sequence }]);
    else this.settled.add(sequence, 'settled');
    this.missingNow = undefined;
    return this.openedSince(first, highest, sequence);
  }

  /** The sender says that numbers will never come. Answers what is news, and the numbers that are missing because of it. */
  lose(ranges: readonly SequenceRange[]): {
    readonly added: readonly SequenceRange[];
    readonly opened: Range | undefined;
  } {
    const { first, highest } = this;
    const added = ranges.flatMap(({ from, to, reason }) => this.loseRange(from, to, reason));
    this.missingNow = undefined;
    const opened =
      added.length > 0 ? this.openedSince(first, highest, Math.min(...added.map(({ from }) => from))) : undefined;
    return { added, opened };
  }

  /** Whether it has more ranges than it may keep. */
  exceeds(maxRanges: number): boolean {
    return this.settled.length > maxRanges || this.lost.length > maxRanges;
  }

  /** Keeps the number of ranges within bounds: what the oldest ones say is only counted from now on. */
  trim(maxRanges: number): void {
    const [settled, lost] = [this.settled.toArray(), this.lost.toArray()];
    // The hole behind what is settled closes with it.
    const firstKept = settled.length > maxRanges ? settled[settled.length - maxRanges] : undefined;
    const lastLost = lost[lost.length - maxRanges - 1];
    // Once, for all of them: to raise it looks at every range there is.
    this.raiseFloor(Math.max(this.floor, firstKept ? firstKept.from - 1 : 0, lastLost?.to ?? 0));
  }

  /** A newer epoch has taken over long ago: keeps no more than what tells repeats. */
  retire(): void {
    this.raiseFloor(this.highest);
    this.retired = true;
  }

  account(): StreamAccount {
    const { vesselId, epoch, entity, first, highest, lostCount, untracked } = this;
    const handled = this.settled.count - this.lost.count + this.handledBefore;
    return {
      ...{ vesselId, epoch, entity, first, highest, handled, lostCount, untracked },
      lost: this.lost.toArray(),
      missing: this.missing(),
    };
  }

  toRecord(): StreamRecord {
    const { vesselId, epoch, entity, rank, isLive, isRetired, first, floor, handledBefore, lostBefore, untracked } =
      this;
    return {
      ...{ vesselId, epoch, entity, rank, isLive, isRetired, first, floor, handledBefore, lostBefore, untracked },
      settled: this.settled.toArray(),
      lost: this.lost.toArray(),
    };
  }

  private get highestHandled(): number {
    for (const range of [...this.settled.toArray()].reverse()) {
      const handled = this.lost.holes(range).at(-1);
      if (handled) return handled.to;
    }
    return this.floor;
  }

  private missing(): Range[] {
    if (this.first === undefined) return [];
    return this.settled.holes({ from: Math.max(this.first, this.floor + 1), to: this.highest });
  }

  private loseRange(from: number, to: number, reason: GapReason): SequenceRange[] {
    const added = this.settled.addRange({ from: Math.max(from, this.floor + 1), to }, 'settled');
    for (const range of added) this.lost.addRange(range, reason);
    return added.map((range) => ({ ...range, reason }));
  }

  /** What lies between the highest there was, or where it all begins, and `sequence`, which is settled now. */
  private openedSince(first: number | undefined, highest: number, sequence: number): Range | undefined {
    if (this.first === undefined) return undefined;
    if (first === undefined) {
      const missing = this.missing();
      return missing.length > 0 ? { from: missing[0]!.from, to: missing.at(-1)!.to } : undefined;
    }
    const from = Math.max(first, highest + 1);
    return from < sequence ? { from, to: sequence - 1 } : undefined;
  }

  private raiseFloor(floor: number): void {
    const below = { from: this.floor + 1, to: floor };
    const missing = this.missing().map(({ from, to }) => ({ from, to: Math.min(to, floor) }));
    this.untracked += numbersIn(missing.filter(({ from, to }) => from <= to));
    const [settled, lost] = [this.settled.count, this.lost.count];
    this.settled.remove([below]);
    this.lost.remove([below]);
    const lostBelow = lost - this.lost.count;
    this.lostBefore += lostBelow;
    this.handledBefore += settled - this.settled.count - lostBelow;
    this.floor = floor;
    this.missingNow = undefined;
  }
}

import type { Lane } from '../wire/lanes.js';
import type { GapReason, SequenceRanges } from '../wire/sequence-ranges.js';
import { Losses, reasonIn } from './losses.js';
import { lowerBound } from './lower-bound.js';
import type { KeyedMessage, TypeRecord } from './message-store.js';
import type { QueuedMessage } from './message.js';
import { RetriedMessages } from './retried-messages.js';
import { type HeadRoom, type LineSource, WaitingLine } from './waiting-line.js';

/** Where a stream gets what is not in memory, and whom it tells of a damaged record. */
export type StreamSource = LineSource;

/** Messages and the bytes of their payloads. */
export interface Volume {
  messages: number;
  bytes: number;
}

/** Takes away from a volume. Numbers that were wrong, as after a damage, come right when it is empty. */
export function subtract(volume: Volume, messages: number, bytes: number): void {
  volume.messages = Math.max(0, volume.messages - messages);
  volume.bytes = volume.messages === 0 ? 0 : Math.max(0, volume.bytes - bytes);
}

function olderOf(one: QueuedMessage | undefined, other: QueuedMessage | undefined): QueuedMessage | undefined {
  return one && other ? (one.position < other.position ? one : other) : (one ?? other);
}

/** All messages of one entity type, in the order of acceptance. */
export class EntityStream {
  readonly entity: string;
  readonly number: number;
  /** The newest sequence committed. */
  sequence: number;
  lane: Lane;
  lastPosition: number;
  /** What the store holds, by the last commit. */
  stored: Volume;
  /** Accepted and not yet delivered, dropped or set aside. */
  readonly volume: Volume;
  /** Sequences that the other side does not yet know to be lost. */
  readonly gaps: SequenceRanges;
  /** Sequences lost in this life of the process, told or not. */
  readonly lost = new Losses();
  readonly retried = new RetriedMessages();
  /** How many of its messages a commit in progress drops: until it is clear whether they go, nothing behind them may. */
  private victims = 0;
  private firstVictim = Infinity;

  private readonly inFlight = new Map<number, QueuedMessage>();
  /** Taken and put back, the newest first, so that the oldest is taken from the end. */
  private readonly returned: QueuedMessage[] = [];
  private readonly line: WaitingLine;

  constructor(record: TypeRecord, gaps: SequenceRanges, source: StreamSource, room: HeadRoom) {
    this.entity = record.entity;
    this.number = record.number;
    this.sequence = record.sequence;
    this.lane = record.lane;
    this.lastPosition = record.lastPosition;
    this.stored = { messages: record.messages, bytes: record.bytes };
    this.volume = { ...this.stored };
    this.gaps = gaps;
    const missing = (count: number) => {
      this.miss(count);
      source.missing(count);
    };
    this.line = new WaitingLine({ ...source, missing }, record, room);
  }

  /** The message that leaves next. */
  peek(): QueuedMessage | undefined {
    const first = olderOf(this.returned.at(-1), this.line.peek());
    return first && first.position < this.firstVictim ? first : undefined;
  }

  /** Takes what `peek()` shows. */
  take(): QueuedMessage | undefined {
    const message = this.peek();
    if (!message) return undefined;
    if (message === this.returned.at(-1)) this.returned.pop();
    else this.line.shift();
    this.inFlight.set(message.position, message);
    return message;
  }

  /** Makes taken messages waiting again; those that are not in flight are ignored. */
  putBack(messages: readonly QueuedMessage[]): void {
    for (const { position } of messages) {
      const message = this.endFlight(position);
      if (message) this.returned.push(message);
    }
    this.returned.sort((a, b) => b.position - a.position);
  }

  /** Makes taken messages waiting again that have for sure not arrived, as if they had not been taken: they may be dropped. */
  untake(messages: readonly QueuedMessage[]): void {
    this.line.unshift(messages.flatMap(({ position }) => this.endFlight(position) ?? []));
  }

  /** The taken message, no longer in flight; undefined when it was not. */
  endFlight(position: number): QueuedMessage | undefined {
    const message = this.inFlight.get(position);
    this.inFlight.delete(position);
    return message;
  }

  /** The oldest message that may be dropped: one that cannot have arrived. */
  peekVictim(): QueuedMessage | undefined {
    return this.line.peek();
  }

  takeVictim(): QueuedMessage | undefined {
    const message = this.line.shift();
    if (!message) return undefined;
    this.victims++;
    this.firstVictim = Math.min(this.firstVictim, message.position);
    return message;
  }

  /** Nothing comes of dropping these. */
  spare(victims: readonly QueuedMessage[]): void {
    this.line.unshift(victims);
    this.endDropping(victims.length);
  }

  /** So many victims are dropped, or spared. */
  endDropping(count: number): void {
    this.victims -= count;
    if (this.victims === 0) this.firstVictim = Infinity;
  }

  append(message: KeyedMessage): void {
    this.line.append(message);
  }

  /** A message left the count. */
  discount(bytes: number): void {
    subtract(this.volume, 1, bytes);
  }

  isTaken(position: number): boolean {
    if (this.inFlight.has(position)) return true;
    const { returned } = this;
    const index = lowerBound(0, returned.length, (at) => returned[at]!.position <= position);
    return returned[index]?.position === position;
  }

  /** Whether a message lies where none was taken yet. */
  isUntaken(position: number): boolean {
    return this.line.reaches(position);
  }

  /** Why a sequence was lost, if it was. */
  lossOf(sequence: number): GapReason | undefined {
    return this.lost.reasonOf(sequence) ?? reasonIn(this.gaps, sequence);
  }

  /** When the oldest undelivered message was accepted. */
  get oldestAcceptedAtMs(): number | undefined {
    let oldest = olderOf(this.line.peek(), this.returned.at(-1));
    for (const message of this.inFlight.values()) oldest = olderOf(oldest, message);
    return oldest?.acceptedAtMs;
  }

  private miss(count: number): void {
    subtract(this.volume, count, 0);
    subtract(this.stored, count, 0);
    for (let sequence = Math.max(1, this.sequence - count + 1); sequence <= this.sequence; sequence++) {
      this.gaps.add(sequence, 'corrupt');
      this.lost.add(sequence, 'corrupt');
    }
  }

  /** Everything undelivered that is in memory or can be read; empties the stream. */
  *drain(): Iterable<QueuedMessage> {
    const inFlight = [...this.inFlight.values()].sort((a, b) => a.position - b.position);
    this.inFlight.clear();
    yield* inFlight;
    yield* this.returned.splice(0).reverse();
    for (let message = this.line.shift(); message; message = this.line.shift()) yield message;
  }
}

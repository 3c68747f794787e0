import { Fifo } from './fifo.js';
import { lowerBound } from './lower-bound.js';
import type { KeyedMessage, MessageKey, ReadLimits, StoredRecord } from './message-store.js';
import type { QueuedMessage } from './message.js';

/**
 * How much of the head of one entity type is held in memory. One read from the store costs about as much as copying
 * this many messages, so fewer would be slower; and with 256 entity types all of it stays below 32 MiB.
 */
const HEAD_LIMITS: ReadLimits = { records: 256, bytes: 128 * 1024 };
/** The first read is small: after a start somebody may only want to know the oldest message of every entity type. */
const FIRST_READ_RECORDS = 8;

/**
 * How much of all entity types together is kept in memory beyond that because it was accepted just now: several groups
 * of commits and a window of messages, so that as long as they leave about as fast as they come none is read back.
 */
const RECENT_LIMITS: ReadLimits = { records: 4096, bytes: 4 * 1024 * 1024 };

/** Counts what the lines of all entity types hold in memory. */
export class HeadRoom {
  private messages = 0;
  private bytes = 0;

  get hasRoom(): boolean {
    return this.messages < RECENT_LIMITS.records && this.bytes < RECENT_LIMITS.bytes;
  }

  held(bytes: number): void {
    this.messages++;
    this.bytes += bytes;
  }

  released(bytes: number): void {
    this.messages--;
    this.bytes -= bytes;
  }
}

/** Reads the stored messages after one position, up to and including another; undefined when it cannot just now. */
export type ReadRecords = (after: number, upTo: number, limits: ReadLimits) => readonly StoredRecord[] | undefined;

/** Where a line gets what is not in memory, and whom it tells what it finds there. */
export interface LineSource {
  readonly read: ReadRecords;
  /** A record cannot be read. */
  readonly damaged: (key: MessageKey, raw: Buffer) => void;
  /** As many messages, the newest of the line, are not in the store though they should be. */
  readonly missing: (count: number) => void;
}

/**
 * The messages of one entity type that were never taken, in order: the first of them in memory, the rest in the store.
 * Only what is committed is ever in it.
 */
export class WaitingLine {
  private readonly head = new Fifo<QueuedMessage>();
  private headBytes = 0;
  /** How many messages are in the store behind the head. */
  private behind: number;
  /** Position up to which the store has been read. */
  private loadedUpTo = 0;
  private recordsPerRead = FIRST_READ_RECORDS;
  /** Position of the newest committed message: what lies behind it in the store is not yet safe. */
  private committedUpTo: number;

  constructor(
    private readonly source: LineSource,
    stored: { readonly messages: number; readonly lastPosition: number },
    private readonly room: HeadRoom,
  ) {
    this.behind = stored.messages;
    this.committedUpTo = stored.lastPosition;
  }

  get length(): number {
    return this.head.length + this.behind;
  }

  /** Whether a position lies in the line, so that a message stored there is waiting. */
  reaches(position: number): boolean {
    if (position > this.loadedUpTo) return position <= this.committedUpTo;
    const { head } = this;
    const index = lowerBound(0, head.length, (at) => head.at(at)!.position >= position);
    return head.at(index)?.position === position;
  }

  /** The first message; read from the store when need be. */
  peek(): QueuedMessage | undefined {
    if (this.head.length === 0 && this.behind > 0) this.refill();
    return this.head.first;
  }

  shift(): QueuedMessage | undefined {
    const message = this.peek();
    if (!message) return undefined;
    this.head.shift();
    this.headBytes -= message.payload.length;
    this.room.released(message.payload.length);
    return message;
  }

  /** Puts messages that were shifted back to their places at the head. */
  unshift(messages: readonly QueuedMessage[]): void {
    for (const message of messages) {
      const { position, payload } = message;
      this.head.insert(
        lowerBound(0, this.head.length, (at) => this.head.at(at)!.position > position),
        message,
      );
      this.headBytes += payload.length;
      this.room.held(payload.length);
    }
  }

  /** A message was committed. While all is in memory it stays there, so that it need not be read back. */
  append({ message }: KeyedMessage): void {
    this.committedUpTo = message.position;
    const isShort = this.head.length < HEAD_LIMITS.records && this.headBytes < HEAD_LIMITS.bytes;
    if (this.behind > 0 || !(isShort || this.room.hasRoom)) {
      this.behind++;
      return;
    }
    this.push(message);
  }

  private push(message: QueuedMessage): void {
    this.head.push(message);
    this.headBytes += message.payload.length;
    this.room.held(message.payload.length);
    this.loadedUpTo = message.position;
  }

  private refill(): void {
    while (this.head.length === 0 && this.behind > 0) {
      const limits = { ...HEAD_LIMITS, records: this.recordsPerRead };
      const records = this.source.read(this.loadedUpTo, this.committedUpTo, limits);
      this.recordsPerRead = Math.min(HEAD_LIMITS.records, this.recordsPerRead * 2);
      if (!records) return;
      if (records.length === 0) {
        // The number was wrong, as after a damage: what cannot be found is not waiting.
        this.source.missing(this.behind);
        this.behind = 0;
        return;
      }
      for (const record of records) {
        this.behind = Math.max(0, this.behind - 1);
        this.loadedUpTo = record.key.position;
        if (record.message) this.push(record.message);
        else this.source.damaged(record.key, record.raw);
      }
    }
  }
}

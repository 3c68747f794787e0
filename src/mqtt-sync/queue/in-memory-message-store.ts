import { type AcceptedMessage, type QueuedMessage } from './message.js';
import {
  type MessageKey,
  type MessageStore,
  type ReadLimits,
  type StoreCommit,
  type StoreContents,
  type StoredDeadLetter,
  type StoredRecord,
} from './message-store.js';

/** Given ids remembered; the same number as on disk. */
const MAX_ACCEPTED_IDS = 100_000;
/** Below this many spent places moving the rest is not worth it. */
const SPENT_BEFORE_COMPACTION = 1024;

/** Keeps everything in memory: nothing outlives the process. */
export class InMemoryMessageStore implements MessageStore {
  readonly durable = false;
  private readonly types = new Map<number, PositionedRecords<QueuedMessage>>();
  private readonly letters = new PositionedRecords<StoredDeadLetter>();
  private readonly ids = new Map<string, AcceptedMessage>();

  open(): Promise<StoreContents> {
    return Promise.resolve({ identity: undefined, latestEpoch: 0, types: [], gaps: new Map(), deadLetters: 0 });
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  commit(commit: StoreCommit): Promise<void> {
    for (const { key, message } of commit.messages) this.ofType(key.type).append(key.position, message);
    for (const { type, position } of commit.removed) this.ofType(type).remove(position);
    for (const letter of commit.deadLetters) this.letters.insert(letter.key.position, letter);
    for (const { position } of commit.removedDeadLetters) this.letters.remove(position);
    for (const accepted of commit.acceptedIds) this.ids.set(accepted.messageId, accepted);
    for (const [messageId] of this.ids) {
      if (this.ids.size <= MAX_ACCEPTED_IDS) break;
      this.ids.delete(messageId);
    }
    return Promise.resolve();
  }

  releaseReserve(): Promise<void> {
    return Promise.resolve();
  }

  ensureReserve(): Promise<void> {
    return Promise.resolve();
  }

  read(type: number, after: number, upTo: number, limits: ReadLimits): StoredRecord[] {
    const found: StoredRecord[] = [];
    let bytes = 0;
    for (const message of this.ofType(type).after(after)) {
      const { position, sequence, payload } = message;
      if (position > upTo || found.length === limits.records || bytes >= limits.bytes) break;
      found.push({ key: { type, position, sequence }, message });
      bytes += payload.length;
    }
    return found;
  }

  has({ type, position }: MessageKey): boolean {
    return this.ofType(type).get(position) !== undefined;
  }

  acceptedUnder(messageId: string): AcceptedMessage | undefined {
    return this.ids.get(messageId);
  }

  deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    const found: StoredDeadLetter[] = [];
    for (const letter of this.letters.after(after)) {
      if (found.length === limit) break;
      found.push(letter);
    }
    return found;
  }

  deadLetterAt(position: number): StoredDeadLetter | undefined {
    return this.letters.get(position);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private ofType(type: number): PositionedRecords<QueuedMessage> {
    let records = this.types.get(type);
    if (!records) this.types.set(type, (records = new PositionedRecords()));
    return records;
  }
}

/** Records sorted by position; appended at the end and mostly removed from the front, both in constant time. */
class PositionedRecords<T> {
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
    if (this.start > SPENT_BEFORE_COMPACTION && this.start * 2 > this.records.length) {
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
    let low = this.start;
    let high = this.positions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

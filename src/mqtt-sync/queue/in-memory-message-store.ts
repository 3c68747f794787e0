import type { AcceptedMessage, QueuedMessage } from './message.js';
import {
  MAX_ACCEPTED_IDS,
  type MessageKey,
  type MessageStore,
  type ReadLimits,
  type StoreCommit,
  type StoreContents,
  type StoredDeadLetter,
  type StoredRecord,
} from './message-store.js';
import { PositionedRecords } from './positioned-records.js';

/** Keeps everything in memory: nothing outlives the process. */
export class InMemoryMessageStore implements MessageStore {
  readonly durable = false;
  /** What does not outlive the process is not kept for later either. */
  readonly journal = undefined;
  private readonly types = new Map<number, PositionedRecords<QueuedMessage>>();
  private readonly letters = new PositionedRecords<StoredDeadLetter>();
  private readonly ids = new Map<string, AcceptedMessage>();

  open(): Promise<StoreContents> {
    return Promise.resolve({
      identity: undefined,
      latestEpoch: 0,
      types: [],
      gaps: new Map(),
      deadLetters: 0,
      storesAside: 0,
    });
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

  keysAfter(type: number, after: number, limit: number): MessageKey[] {
    const found = firstOf(this.ofType(type).after(after), limit);
    return found.map(({ position, sequence }) => ({ type, position, sequence }));
  }

  deadLetterKeysAfter(after: number, limit: number): MessageKey[] {
    return this.deadLettersAfter(after, limit).map(({ key }) => key);
  }

  acceptedUnder(messageId: string): AcceptedMessage | undefined {
    return this.ids.get(messageId);
  }

  deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    return firstOf(this.letters.after(after), limit);
  }

  deadLetterAt(position: number): StoredDeadLetter | undefined {
    return this.letters.get(position);
  }

  abandonOpening(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }

  private ofType(type: number): PositionedRecords<QueuedMessage> {
    let records = this.types.get(type);
    if (!records) this.types.set(type, (records = new PositionedRecords()));
    return records;
  }
}

function firstOf<T>(records: Iterable<T>, limit: number): T[] {
  const found: T[] = [];
  for (const record of records) {
    if (found.length === limit) break;
    found.push(record);
  }
  return found;
}

/*
 * Layout of the folder:
 *
 *   queue.mdb    the store, an LMDB file     lock      kernel lock of the process that has the folder open
 *   epoch        newest epoch, as text       running   there while open: found at a start, the stop was not clean
 *   reserve      8 MiB, given up when the disk is full so that removals can be committed
 *
 * Databases in queue.mdb (a value is a record with a CRC, see records.ts):
 *
 *   meta             'identity'                                -> format, vessel id, epoch
 *   types            entity type                               -> number, sequence, last position, lane, messages, bytes
 *   messages         type (u16), position (u48), sequence (u48) -> message; so a damaged one is still known by its key
 *   gaps             entity type                               -> ranges not yet told
 *   dead-letters     position (u48), type (u16), sequence (u48) -> verdict and message, or the damaged record
 *   accepted-ids     message id, when given                    -> entity type, sequence, position
 *   accepted-order   rising number                             -> message id, so that the oldest can be forgotten
 *
 * One commit is one LMDB transaction: accept puts a message and its type's new numbers; remove deletes; a drop deletes,
 * and puts the gap. Opening reads `types` and `gaps` only, so it takes as long for a million messages as for none.
 */
import { type SyncLogger } from '../../logger.js';
import { causeOf } from '../../store/lmdb-file.js';
import { openStore } from '../../store/open-store.js';
import { StoreFolder, type StoreKind } from '../../store/store-folder.js';
import { type Clock } from '../../time/clock.js';
import { type AcceptedMessage } from '../message.js';
import {
  type MessageKey,
  type MessageStore,
  type ReadLimits,
  type StoreCommit,
  type StoreContents,
  type StoredDeadLetter,
  type StoredRecord,
} from '../message-store.js';
import { type QueueIdentity } from '../sync-queue.js';
import { AcceptedIds } from './accepted-ids.js';
import { asKey, type Databases, openDatabases, QUEUE_DATABASES, unusedBytes } from './databases.js';
import { deadLetterKeys, messageKeys } from './keys.js';
import { decodeDeadLetter, decodeMessage, encodeDeadLetter, encodeMessage } from './records.js';
import { encodeGaps, encodeType, readContents, writeIdentity } from './store-contents.js';

const QUEUE_STORE: StoreKind = {
  name: 'queue',
  file: 'queue.mdb',
  databases: QUEUE_DATABASES,
  loss: 'the changes in it are not delivered',
};

const PROBE = Buffer.from([1]);

/** Keeps a queue in a folder on disk, in one LMDB file. */
export class LmdbMessageStore implements MessageStore {
  readonly durable = true;
  private readonly folder: StoreFolder;
  private databases: Databases | undefined;
  private acceptedIds: AcceptedIds | undefined;
  /** Names of the entity types by number. */
  private names: string[] = [];

  constructor(
    dir: string,
    clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.folder = new StoreFolder(dir, QUEUE_STORE, clock, logger);
  }

  async open(): Promise<StoreContents> {
    try {
      await this.folder.enter();
      const read = (databases: Databases) => this.contents(databases);
      const { databases, contents } = await openStore(this.folder, { open: openDatabases, read });
      this.databases = databases;
      return contents;
    } catch (error) {
      await this.close();
      throw this.folder.unusable(error);
    }
  }

  async begin(identity: QueueIdentity): Promise<void> {
    await this.folder.rememberEpoch(identity.epoch);
    const { root, types, gaps, acceptedIds, acceptedOrder } = this.db;
    root.transactionSync(() => {
      for (const database of [types, gaps, acceptedIds, acceptedOrder]) database.clearSync();
      writeIdentity(this.db, identity);
    });
    this.names = [];
    this.acceptedIds = new AcceptedIds(this.db);
  }

  async commit(commit: StoreCommit): Promise<void> {
    const bytes = commit.messages.reduce((sum, { message }) => sum + message.payload.length, 0);
    this.folder.reserve.guard(bytes, () => unusedBytes(this.db));
    const write = this.prepare(commit);
    try {
      await this.db.root.batch(write.run);
    } catch (error) {
      throw await this.folder.reserve.explain(await causeOf(error));
    }
    write.done();
  }

  releaseReserve(): Promise<void> {
    return this.folder.reserve.release();
  }

  async ensureReserve(): Promise<void> {
    return this.folder.reserve.ensure(unusedBytes(this.db));
  }

  read(type: number, after: number, upTo: number, limits: ReadLimits): StoredRecord[] {
    const range = { start: asKey([type, after + 1, 0]), end: asKey([type, upTo + 1, 0]), limit: limits.records };
    const found: StoredRecord[] = [];
    let bytes = 0;
    for (const { key, value } of this.db.messages.getRange(range)) {
      found.push(decodeMessage(messageKeys.read(key), value));
      bytes += value.length;
      if (bytes >= limits.bytes) break;
    }
    return found;
  }

  has(key: MessageKey): boolean {
    return this.db.messages.get(asKey(messageKeys.of(key))) !== undefined;
  }

  acceptedUnder(messageId: string): AcceptedMessage | undefined {
    return this.acceptedIds?.get(messageId);
  }

  deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    const end = asKey([2 ** 48 - 1, 0, 0]);
    return [...this.db.deadLetters.getRange({ start: asKey([after + 1, 0, 0]), end, limit })].map(({ key, value }) => {
      const messageKey = deadLetterKeys.read(key);
      return decodeDeadLetter(messageKey, this.names[messageKey.type] ?? '', value);
    });
  }

  deadLetterAt(position: number): StoredDeadLetter | undefined {
    const [letter] = this.deadLettersAfter(position - 1, 1);
    return letter?.key.position === position ? letter : undefined;
  }

  async close(): Promise<void> {
    const { databases } = this;
    this.databases = undefined;
    await databases?.root.close();
    await this.folder.leave(databases !== undefined);
  }

  private get db(): Databases {
    if (!this.databases) throw new Error('the store is not open');
    return this.databases;
  }

  private async contents(databases: Databases): Promise<StoreContents> {
    const contents = readContents(databases, await this.folder.latestEpoch(), this.logger);
    this.names = [];
    for (const { number, entity } of contents.types) this.names[number] = entity;
    this.acceptedIds = new AcceptedIds(databases);
    return contents;
  }

  /** Encodes all of a commit first: an error between the writes of a batch would not keep LMDB from storing the rest. */
  private prepare(commit: StoreCommit): { readonly run: () => void; readonly done: () => void } {
    const { types, messages, gaps, deadLetters, meta } = this.db;
    const ids = this.acceptedIds!.prepare(commit.acceptedIds);
    const puts = commit.messages.map(
      ({ key, message }) => [asKey(messageKeys.of(key)), encodeMessage(message)] as const,
    );
    const removes = commit.removed.map((key) => asKey(messageKeys.of(key)));
    const typePuts = commit.types.map((type) => [type.entity, encodeType(type)] as const);
    const gapPuts = [...commit.gaps].map(([entity, ranges]) => [entity, ranges.length, encodeGaps(ranges)] as const);
    const letterPuts = commit.deadLetters.map((letter) => [letter.key, encodeDeadLetter(letter)] as const);
    const letterRemoves = commit.removedDeadLetters.map((key) => asKey(deadLetterKeys.of(key)));
    const run = () => {
      for (const [key, value] of puts) void messages.put(key, value);
      for (const key of removes) void messages.remove(key);
      for (const [entity, value] of typePuts) void types.put(entity, value);
      for (const [entity, count, value] of gapPuts) void (count > 0 ? gaps.put(entity, value) : gaps.remove(entity));
      for (const [key, value] of letterPuts) void deadLetters.put(asKey(deadLetterKeys.of(key)), value);
      for (const key of letterRemoves) void deadLetters.remove(key);
      // A commit that only sees whether the store works again has to write something.
      if (puts.length + removes.length + typePuts.length === 0) void meta.put('probe', PROBE);
      ids.write();
    };
    const done = () => {
      for (const { number, entity } of commit.types) this.names[number] = entity;
      ids.taken();
    };
    return { run, done };
  }
}

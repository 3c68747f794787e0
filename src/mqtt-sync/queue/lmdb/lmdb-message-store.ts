/*
 * Layout of the folder:
 *
 *   queue.mdb    the store, an LMDB file     lock      kernel lock of the process that has the folder open
 *   epoch        newest epoch, as text       running   there while open: found at a start, the stop was not clean
 *   reserve      8 MiB, given up when the disk is full so that removals can be committed
 *
 *   queue.mdb.damaged-<time>    a store that was set aside    queue.mdb.replaced-<time>   one whose records are in the new one
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
 *   journal          type (u16), sequence of the first (u48)   -> delivered messages with sequences in a row
 *
 * One commit is one LMDB transaction: accept puts a message and its type's new numbers; remove deletes, and puts what was
 * delivered into the journal; a drop deletes, and puts the gap. Opening reads `types` and `gaps` only, so it takes as long for a million messages as for none.
 */
import type { SyncLogger } from '../../logger.js';
import { transact } from '../../store/lmdb-file.js';
import { openStore } from '../../store/open-store.js';
import { StoreFolder, type StoreKind } from '../../store/store-folder.js';
import type { Clock } from '../../time/clock.js';
import type { AcceptedMessage } from '../message.js';
import type {
  DeliveredMessages,
  MessageKey,
  MessageStore,
  ReadLimits,
  StoreCommit,
  StoreContents,
  StoredDeadLetter,
  StoredRecord,
} from '../message-store.js';
import type { QueueIdentity } from '../sync-queue.js';
import { AcceptedIds } from './accepted-ids.js';
import { asKey, type Databases, openDatabases, QUEUE_DATABASES, unusedBytes } from './databases.js';
import { renewEpoch } from './epoch-renewal.js';
import { Journal, type JournalLimits } from './journal.js';
import { deadLetterKeys, messageKeys } from './keys.js';
import { decodeDeadLetter, decodeMessage, encodeDeadLetter, encodeMessage } from './records.js';
import { encodeGaps, encodeType, readContents, writeIdentity } from './store-contents.js';

const QUEUE_STORE: StoreKind = {
  name: 'queue',
  file: 'queue.mdb',
  databases: QUEUE_DATABASES,
  loss: 'the changes in it are not delivered',
};

/** The journal gives back so much at a time when the disk is full. */
const SHRINK_STEP_BYTES = 4 * 1024 * 1024;

const LOOK_FOR_ROOM_EVERY_MS = 60_000;

const PROBE = Buffer.from([1]);

/** Keeps a queue in a folder on disk, in one LMDB file. */
export class LmdbMessageStore implements MessageStore {
  readonly durable = true;
  private readonly folder: StoreFolder;
  private databases: Databases | undefined;
  private acceptedIds: AcceptedIds | undefined;
  private journalOf: Journal | undefined;
  /** Whether the disk has room for more than what has to be stored. */
  private hasRoom = false;
  private nextLookMs = -Infinity;
  /** Names of the entity types by number. */
  private names: string[] = [];

  constructor(
    dir: string,
    private readonly journalLimits: JournalLimits,
    private readonly clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.folder = new StoreFolder(dir, QUEUE_STORE, clock, logger);
  }

  get journal(): DeliveredMessages | undefined {
    return this.journalLimits.maxBytes > 0 ? this.journalOf : undefined;
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
    try {
      await this.folder.rememberEpoch(identity.epoch);
      this.clear(identity);
    } catch (error) {
      this.folder.noteError(error);
      throw this.folder.unusable(error);
    }
  }

  /**
   * Gives everything that is stored a new epoch, at once or not at all: sequences begin at 1 again, ids and order stay. Only
   * just after `open()`, by whoever closes it then.
   * @throws {QueueUnavailableError} it cannot be written.
   */
  async renewEpoch(contents: StoreContents, identity: QueueIdentity): Promise<void> {
    try {
      await this.folder.rememberEpoch(identity.epoch);
      renewEpoch(this.db, contents, identity);
    } catch (error) {
      this.folder.noteError(error);
      throw this.folder.unusable(error);
    }
  }

  async commit(commit: StoreCommit): Promise<void> {
    await this.folder.assertInPlace();
    const bytes = commit.messages.reduce((sum, { message }) => sum + message.payload.length, 0);
    this.folder.reserve.guard(bytes, () => unusedBytes(this.db));
    if (commit.delivered.length > 0 && !this.hasRoom) await this.lookForRoom();
    const { ids, journal } = this.folder.looking(() => ({
      ids: this.acceptedIds!.prepare(commit.acceptedIds),
      journal: this.journalOf!.prepare(this.hasRoom ? commit.delivered : []),
    }));
    await this.batch(this.writesOf(commit, [ids.write, journal.write]));
    for (const { number, entity } of commit.types) this.names[number] = entity;
    ids.taken();
    journal.taken();
  }

  releaseReserve(): Promise<void> {
    return this.folder.reserve.release();
  }

  /** On a full disk the journal gives way: messages that are not yet delivered need the room more. */
  async ensureReserve(): Promise<void> {
    const { reserve } = this.folder;
    for (;;) {
      try {
        await reserve.ensure(unusedBytes(this.db));
        return await this.lookForRoom();
      } catch (error) {
        this.hasRoom = false;
        const shrinking = this.journalOf!.shrink(SHRINK_STEP_BYTES);
        if (!shrinking) throw error;
        await reserve.release();
        await this.batch(shrinking.write);
        shrinking.taken();
      }
    }
  }

  read(type: number, after: number, upTo: number, limits: ReadLimits): StoredRecord[] {
    const range = { start: asKey([type, after + 1, 0]), end: asKey([type, upTo + 1, 0]), limit: limits.records };
    return this.folder.looking(() => {
      const found: StoredRecord[] = [];
      let bytes = 0;
      for (const { key, value } of this.db.messages.getRange(range)) {
        found.push(decodeMessage(messageKeys.read(key), value));
        bytes += value.length;
        if (bytes >= limits.bytes) break;
      }
      return found;
    });
  }

  has(key: MessageKey): boolean {
    return this.folder.looking(() => this.db.messages.get(asKey(messageKeys.of(key))) !== undefined);
  }

  keysAfter(type: number, after: number, limit: number): MessageKey[] {
    const range = { start: asKey([type, after + 1, 0]), end: asKey([type + 1, 0, 0]), limit };
    return this.folder.looking(() => [...this.db.messages.getKeys(range)].map((key) => messageKeys.read(key)));
  }

  deadLetterKeysAfter(after: number, limit: number): MessageKey[] {
    const range = { ...lettersAfter(after), limit };
    return this.folder.looking(() => [...this.db.deadLetters.getKeys(range)].map((key) => deadLetterKeys.read(key)));
  }

  acceptedUnder(messageId: string): AcceptedMessage | undefined {
    return this.folder.looking(() => this.acceptedIds?.get(messageId));
  }

  deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    const range = { ...lettersAfter(after), limit };
    return this.folder.looking(() =>
      [...this.db.deadLetters.getRange(range)].map(({ key, value }) => {
        const messageKey = deadLetterKeys.read(key);
        return decodeDeadLetter(messageKey, this.names[messageKey.type] ?? '', value);
      }),
    );
  }

  deadLetterAt(position: number): StoredDeadLetter | undefined {
    const [letter] = this.deadLettersAfter(position - 1, 1);
    return letter?.key.position === position ? letter : undefined;
  }

  abandonOpening(): void {
    this.folder.abandon();
  }

  async close(): Promise<void> {
    const { databases } = this;
    this.databases = undefined;
    // Whoever looks something up while the store closes must not reach what LMDB has given up.
    this.journalOf = undefined;
    this.acceptedIds = undefined;
    await databases?.root.close();
    await this.folder.leave(databases !== undefined);
  }

  private get db(): Databases {
    if (!this.databases) throw new Error('the store is not open');
    return this.databases;
  }

  private clear(identity: QueueIdentity): void {
    const { root, types, gaps, acceptedIds, acceptedOrder, journal } = this.db;
    root.transactionSync(() => {
      for (const database of [types, gaps, acceptedIds, acceptedOrder, journal]) database.clearSync();
      writeIdentity(this.db, identity);
    });
    this.names = [];
    this.acceptedIds = new AcceptedIds(this.db);
    this.journalOf = new Journal(this.db, this.journalLimits, this.clock, []);
  }

  private batch(run: () => void): Promise<unknown> {
    return transact(this.db.root, run).catch(async (error: Error) => {
      // On a full disk a transaction that cannot go on says nothing of the store.
      const reason = await this.folder.reserve.explain(error);
      this.folder.noteError(reason);
      throw reason;
    });
  }

  /** Whether the disk itself has room, however much there is inside the store; after a full disk, looks now and then. */
  private async lookForRoom(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < this.nextLookMs) return;
    this.nextLookMs = nowMs + LOOK_FOR_ROOM_EVERY_MS;
    this.hasRoom = await this.folder.reserve.ensure(0).then(
      () => true,
      () => false,
    );
  }

  private async contents(databases: Databases): Promise<StoreContents> {
    const contents = readContents(databases, await this.folder.latestEpoch(), this.logger);
    this.names = [];
    for (const { number, entity } of contents.types) this.names[number] = entity;
    this.acceptedIds = new AcceptedIds(databases);
    const numbers = contents.types.map(({ number }) => number);
    this.journalOf = new Journal(databases, this.journalLimits, this.clock, numbers);
    return { ...contents, storesAside: await this.folder.storesAside() };
  }

  /** Encodes all of a commit first: an error between the writes of a batch would not keep LMDB from storing the rest. */
  private writesOf(commit: StoreCommit, others: readonly (() => void)[]): () => void {
    const { types, messages, gaps, deadLetters, meta } = this.db;
    const records = commit.messages.map(({ message }) => encodeMessage(message));
    const typePuts = commit.types.map((type) => [type.entity, encodeType(type)] as const);
    const gapPuts = [...commit.gaps].map(([entity, ranges]) => [entity, ranges.length, encodeGaps(ranges)] as const);
    const letterPuts = commit.deadLetters.map((letter) => [letter.key, encodeDeadLetter(letter)] as const);
    return () => {
      commit.messages.forEach(({ key }, index) => void messages.put(asKey(messageKeys.of(key)), records[index]!));
      for (const key of commit.removed) void messages.remove(asKey(messageKeys.of(key)));
      for (const [entity, value] of typePuts) void types.put(entity, value);
      for (const [entity, count, value] of gapPuts) void (count > 0 ? gaps.put(entity, value) : gaps.remove(entity));
      for (const [key, value] of letterPuts) void deadLetters.put(asKey(deadLetterKeys.of(key)), value);
      for (const key of commit.removedDeadLetters) void deadLetters.remove(asKey(deadLetterKeys.of(key)));
      // A commit that only sees whether the store works again has to write something.
      if (records.length + commit.removed.length + typePuts.length === 0) void meta.put('probe', PROBE);
      for (const write of others) write();
    };
  }
}

/** Where the dead letters after a position lie. */
function lettersAfter(position: number) {
  return { start: asKey([position + 1, 0, 0]), end: asKey([2 ** 48 - 1, 0, 0]) };
}

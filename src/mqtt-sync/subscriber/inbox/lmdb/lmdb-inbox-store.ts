/*
 * Layout of the folder: as that of a queue (see `lmdb-message-store.ts`), with inbox.mdb and without epoch and reserve.
 *
 * Databases in inbox.mdb (a value is a record with a CRC, unless it says otherwise):
 *
 *   meta      'format' -> number of the layout; 'last-position' -> newest position of a parked message
 *   streams   vessel, entity type, epoch  -> settled and lost ranges, and what else is known of the stream
 *   handled   rising number               -> when, message id, key; so that the oldest can be forgotten
 *   ids       vessel, message id          -> nothing: to be there says it all
 *   lasts     vessel, entity type, key    -> epoch and sequence of the newest handled, and its number in `handled`
 *   parked    position                    -> verdict and payload
 *
 * One commit is one LMDB transaction. Of all this only the streams, and the positions of parked messages, are in memory.
 */
import type { SyncLogger } from '../../../logger.js';
import { transact } from '../../../store/lmdb-file.js';
import { openStore } from '../../../store/open-store.js';
import { StoreFolder, type StoreKind } from '../../../store/store-folder.js';
import type { Clock } from '../../../time/clock.js';
import type { ParkedMessage } from '../inbox.js';
import type { HandledRecord, InboxCommit, InboxContents, InboxStore, LastHandled } from '../inbox-store.js';
import { streamName } from '../names.js';
import { INBOX_DATABASES, type InboxDatabases, openInboxDatabases } from './databases.js';
import { encodeNumber, LAST_POSITION_KEY, readContents } from './inbox-contents.js';
import {
  decodeHandled,
  decodeLast,
  decodeParked,
  encodeHandled,
  encodeLast,
  encodeParked,
  encodeStream,
} from './records.js';

const INBOX_STORE: StoreKind = {
  name: 'inbox',
  file: 'inbox.mdb',
  databases: INBOX_DATABASES,
  loss: 'what was handled before may be handled again, and the parked messages in it are not shown',
};

const PRESENT = Buffer.from([1]);

type Key = string | number | Buffer;

/** One entry of a commit; without a value it is removed. */
interface Write {
  readonly database: { put(key: Key, value: Buffer): unknown; remove(key: Key): unknown };
  readonly key: Key;
  readonly value?: Buffer;
}

/** Keeps an inbox in a folder on disk, in one LMDB file. */
export class LmdbInboxStore implements InboxStore {
  readonly durable = true;
  private readonly folder: StoreFolder;
  private databases: InboxDatabases | undefined;

  constructor(
    dir: string,
    clock: Clock,
    private readonly logger: SyncLogger,
  ) {
    this.folder = new StoreFolder(dir, INBOX_STORE, clock, logger);
  }

  async open(): Promise<InboxContents> {
    try {
      await this.folder.enter();
      const read = (databases: InboxDatabases) => readContents(databases, this.logger);
      const { databases, contents } = await openStore(this.folder, { open: openInboxDatabases, read });
      this.databases = databases;
      return contents;
    } catch (error) {
      await this.close();
      throw this.folder.unusable(error);
    }
  }

  hasId(name: string): boolean {
    return this.folder.looking(() => this.db.ids.doesExist(Buffer.from(name)));
  }

  lastId(beginning: string): string | undefined {
    const first = Buffer.from(beginning);
    // No byte of UTF-8 is as large.
    const behind = Buffer.concat([first, Buffer.from([0xff])]);
    const range = { start: behind, end: first, reverse: true, limit: 1 };
    const [last] = this.folder.looking(() => [...this.db.ids.getKeys(range)]);
    return last?.toString();
  }

  lastHandled(name: string): LastHandled | undefined {
    const record = this.folder.looking(() => this.db.lasts.get(Buffer.from(name)));
    return record && decodeLast(record);
  }

  oldestHandled(limit: number): HandledRecord[] {
    const found = this.folder.looking(() => [...this.db.handled.getRange({ limit })]);
    return found.map(({ key, value }) => decodeHandled(key, value));
  }

  parkedAt(position: number): ParkedMessage | undefined {
    const record = this.folder.looking(() => this.db.parked.get(position));
    return record && decodeParked(position, record);
  }

  async commit(commit: InboxCommit): Promise<void> {
    await this.folder.assertInPlace();
    try {
      await transact(this.db.root, this.prepare(commit));
    } catch (error) {
      const reason = await this.folder.reserve.explain(error as Error);
      this.folder.noteError(reason);
      throw reason;
    }
  }

  abandonOpening(): void {
    this.folder.abandon();
  }

  async close(): Promise<void> {
    const { databases } = this;
    this.databases = undefined;
    await databases?.root.close();
    await this.folder.leave(databases !== undefined);
  }

  private get db(): InboxDatabases {
    if (!this.databases) throw new Error('the store is not open');
    return this.databases;
  }

  /** Encodes all of a commit first: an error between the writes of a batch would not keep LMDB from storing the rest. */
  private prepare(commit: InboxCommit): () => void {
    const writes: Write[] = [];
    this.forget(commit, writes);
    this.remember(commit, writes);
    return () => {
      for (const { database, key, value } of writes) {
        if (value) void database.put(key, value);
        else void database.remove(key);
      }
    };
  }

  /** Before what is remembered, which may have the same names. */
  private forget({ forgotten, removedStreams }: InboxCommit, writes: Write[]): void {
    const { handled, ids, lasts, streams } = this.db;
    for (const { order, idName, keyName } of forgotten) {
      writes.push({ database: handled, key: order });
      if (idName !== undefined) writes.push({ database: ids, key: Buffer.from(idName) });
      if (keyName !== undefined && this.lastHandled(keyName)?.order === order)
        writes.push({ database: lasts, key: Buffer.from(keyName) });
    }
    for (const id of removedStreams) writes.push({ database: streams, key: Buffer.from(streamName(id)) });
  }

  private remember(commit: InboxCommit, writes: Write[]): void {
    const { handled, ids, lasts, streams, parked, meta } = this.db;
    const put = (database: Write['database'], key: Key, value: Buffer) => writes.push({ database, key, value });
    for (const record of commit.handled) {
      put(handled, record.order, encodeHandled(record));
      if (record.idName !== undefined) put(ids, Buffer.from(record.idName), PRESENT);
    }
    for (const [name, last] of commit.lasts) put(lasts, Buffer.from(name), encodeLast(last));
    for (const stream of commit.streams) put(streams, Buffer.from(streamName(stream)), encodeStream(stream));
    for (const message of commit.parked) put(parked, message.position, encodeParked(message));
    for (const position of commit.unparked) writes.push({ database: parked, key: position });
    if (commit.parked.length > 0) put(meta, LAST_POSITION_KEY, encodeNumber(commit.lastPosition));
  }
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { deadLetterKeys, messageKeys, type SegmentKey, segmentKeys } from '../../src/mqtt-sync/queue/lmdb/keys.js';

type Root = ReturnType<typeof openLmdb>;

/** Lane, position and sequence. */
type MessageKey = [lane: number, position: number, sequence: number];

/** Changes a closed store behind the back of the queue. */
export async function tamper(dir: string, change: (root: Root) => void): Promise<void> {
  const path = join(dir, 'queue.mdb');
  const root = openLmdb({ path, noSubdir: true, overlappingSync: false, encoding: 'binary', maxDbs: 8 });
  change(root);
  await root.close();
}

type LetterKey = [position: number, type: number, sequence: number];

export function messagesOf(root: Root) {
  return root.openDB<Buffer, MessageKey>({
    name: 'messages',
    encoding: 'binary',
    keyEncoder: messageKeys.encoder,
  } as { name: string });
}

export function lettersOf(root: Root) {
  return root.openDB<Buffer, LetterKey>({
    name: 'dead-letters',
    encoding: 'binary',
    keyEncoder: deadLetterKeys.encoder,
  } as { name: string });
}

export function segmentsOf(root: Root) {
  return root.openDB<Buffer, SegmentKey>({ name: 'journal', encoding: 'binary', keyEncoder: segmentKeys } as {
    name: string;
  });
}

/** Flips a bit in the record of one dead letter. */
export function damageLetter(dir: string, key: LetterKey): Promise<void> {
  return tamper(dir, (root) => {
    const letters = lettersOf(root);
    const value = letters.get(key)!;
    value[value.length - 3]! ^= 1;
    letters.putSync(key, value);
  });
}

/** Flips a bit in the record of one message. */
export function damageMessage(dir: string, key: MessageKey): Promise<void> {
  return tamper(dir, (root) => {
    const messages = messagesOf(root);
    const value = messages.get(key)!;
    value[value.length - 3]! ^= 1;
    messages.putSync(key, value);
  });
}

const PAGE = 4096;
/** The head of a page (mdb.c, MDB_page): its number, the transaction that wrote it, and its flags. */
const TRANSACTION_AT = 8;
const FLAGS_AT = 18;
const LEAF_FLAG = 0x02;
/** In a meta page: the record of the free pages, the last page, and the transaction. In a record of a database: its first page. */
const FREE_PAGES_AT = 48;
const LAST_PAGE_AT = 144;
const META_TRANSACTION_AT = 152;
const FIRST_PAGE_AT = 40;

/** Changes the bytes of the store behind the back of LMDB. */
function rot(dir: string, change: (bytes: Buffer) => void): void {
  const path = join(dir, 'queue.mdb');
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

/** Flips a bit in the head of every leaf: who reads does not look there, and who writes dies of it. */
export function flipTransactions(dir: string): void {
  rot(dir, (bytes) => {
    for (let at = 2 * PAGE; at < bytes.length; at += PAGE) {
      if ((bytes.readUInt16LE(at + FLAGS_AT) & LEAF_FLAG) !== 0) bytes[at + TRANSACTION_AT + 4]! ^= 1;
    }
  });
}

/** Where the newest meta page is. */
function metaOf(bytes: Buffer): number {
  const [first, second] = [0, PAGE].map((at) => bytes.readBigUInt64LE(at + META_TRANSACTION_AT));
  return second! > first! ? PAGE : 0;
}

/** Zeroes the first page of the list of free pages, which nobody reads but who writes. */
export function zeroFreeList(dir: string): void {
  rot(dir, (bytes) => {
    const first = Number(bytes.readBigUInt64LE(metaOf(bytes) + FREE_PAGES_AT + FIRST_PAGE_AT)) * PAGE;
    bytes.fill(0, first, first + PAGE);
  });
}

/** As if the list of free pages, which a commit writes last, had been at the end of the file, and cut off. */
export function cutFreeList(dir: string): void {
  rot(dir, (bytes) => {
    const meta = metaOf(bytes);
    const behind = bytes.readBigUInt64LE(meta + LAST_PAGE_AT) + 1n;
    bytes.writeBigUInt64LE(behind, meta + FREE_PAGES_AT + FIRST_PAGE_AT);
    bytes.writeBigUInt64LE(behind, meta + LAST_PAGE_AT);
  });
}

import { withFile } from './durable-files.js';

// A meta page of the LMDB that lmdb 3 brings: a page header of 24 bytes, then MDB_meta (mdb.c).
const MAGIC_AT = 24;
const VERSION_AT = 28;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const TXN_ID_AT = 152;
const META_BYTES = 160;
const MAGIC = 0xbeefc0de;
/** Version of the data format; the lock version and flags are in the upper half. */
const KNOWN_VERSION = 2;
/** Where the second meta page is, if the first does not say. */
const USUAL_PAGE_SIZE = 4096;

/** What the head of an LMDB file says of its length; `foreign`: another version of LMDB wrote it. */
export type HeadVerdict = 'plausible' | 'short' | 'unreadable' | 'foreign';

/**
 * Compares the length of an LMDB file with its newest meta page: LMDB maps the file, and reading a page that is not there
 * is a SIGBUS. `short` is a suspicion only, as pages at the end may be free and never written.
 */
export async function judgeHead(path: string): Promise<HeadVerdict> {
  return withFile(path, 'r', async (file) => {
    const { size } = await file.stat();
    const readMeta = async (at: number) => {
      const page = Buffer.alloc(META_BYTES);
      const { bytesRead } = await file.read(page, 0, META_BYTES, at);
      return bytesRead === META_BYTES ? page : undefined;
    };
    const first = await readMeta(0);
    const pageSize = first && isMeta(first) ? first.readUInt32LE(PAGE_SIZE_AT) : USUAL_PAGE_SIZE;
    const metas = [first, await readMeta(pageSize)].filter((page) => page !== undefined).filter(isMeta);
    // A crash can spoil one of the two; LMDB then goes by the other.
    if (metas.length === 0) return 'unreadable';
    if (metas.every(isForeign)) return 'foreign';
    if (metas.some(isForeign)) return 'plausible';
    const newest = metas.reduce((a, b) => (b.readBigUInt64LE(TXN_ID_AT) > a.readBigUInt64LE(TXN_ID_AT) ? b : a));
    const pages = Number(newest.readBigUInt64LE(LAST_PAGE_AT)) + 1;
    return size < pages * pageSize ? 'short' : 'plausible';
  });
}

function isMeta(page: Buffer): boolean {
  return page.readUInt32LE(MAGIC_AT) === MAGIC;
}

function isForeign(page: Buffer): boolean {
  return (page.readUInt32LE(VERSION_AT) & 0xffff) !== KNOWN_VERSION;
}

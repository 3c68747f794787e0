import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cutFreeList, zeroFreeList } from '../../contract/damage.js';

const PAGE = 4096;
/** The two meta pages. */
const FIRST_DATA_PAGE = 2;
/** Flags of a leaf page are the 16-bit number at this place of its header, and 0x02 says leaf (mdb.c, MDB_page). */
const FLAGS_AT = 18;
const LEAF_FLAG = 0x02;

/** Something that happens to a store while nobody has it open. */
export interface Damage {
  readonly name: string;
  /** Nothing is left of the store. */
  readonly isGone?: true;
  /** What LMDB writes because of it may spoil more of the store before it is noticed. */
  readonly spreads?: true;
  readonly apply: (dir: string) => void;
}

const store = (dir: string) => join(dir, 'queue.mdb');

/** Changes bytes without a trace in the times of the file, as a disk that goes bad does. */
function rot(path: string, change: (file: number, pages: number) => void): void {
  const { atime, mtime } = statSync(path);
  const file = openSync(path, 'r+');
  try {
    change(file, Math.floor(fstatSync(file).size / PAGE));
  } finally {
    closeSync(file);
  }
  utimesSync(path, atime, mtime);
}

/** The data pages that `matches` picks. */
function pagesOf(file: number, pages: number, matches: (page: Buffer) => boolean): number[] {
  const found: number[] = [];
  const page = Buffer.alloc(PAGE);
  for (let number = FIRST_DATA_PAGE; number < pages; number++) {
    readSync(file, page, 0, PAGE, number * PAGE);
    if (matches(page)) found.push(number);
  }
  return found;
}

const isLeaf = (page: Buffer) => (page.readUInt16LE(FLAGS_AT) & LEAF_FLAG) !== 0;
const holdsChange = (page: Buffer) => isLeaf(page) && page.includes('"data_change"');

function flip(file: number, at: number): void {
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 0x10;
  writeSync(file, byte, 0, 1, at);
}

/** Flips a byte inside the text of a change, in several pages. */
function flipRecords(file: number, pages: number): void {
  const chosen = pagesOf(file, pages, holdsChange).filter((_, index) => index % 7 === 0);
  const page = Buffer.alloc(PAGE);
  for (const number of chosen) {
    readSync(file, page, 0, PAGE, number * PAGE);
    flip(file, number * PAGE + page.indexOf('"data_change"') + 3);
  }
}

/** Flips a byte of the header of a page that holds changes. */
function flipHeader(offset: number): Damage['apply'] {
  return (dir) =>
    rot(store(dir), (file, pages) => {
      const chosen = pagesOf(file, pages, holdsChange);
      flip(file, chosen[chosen.length >> 1]! * PAGE + offset);
    });
}

/** Damages that nobody meets but who writes. */
export const WRITERS_DAMAGES: readonly Damage[] = [
  // A page that does not know its own number any more: LMDB reads it, and gives up when it has to write it anew.
  { name: 'flipped in the number of a page', spreads: true, apply: flipHeader(0) },
  // One that says of itself to be of a later transaction: LMDB takes it for one that may be written to where it is.
  { name: 'flipped in the transaction of a page', apply: flipHeader(12) },
  { name: 'zeroed in its list of free pages', apply: zeroFreeList },
  { name: 'cut where its list of free pages is', apply: cutFreeList },
];

/** Damages of every kind that LMDB does not notice by itself, or does not survive. */
export const DAMAGES: readonly Damage[] = [
  { name: 'truncated to a third', apply: (dir) => truncateSync(store(dir), Math.floor(statSync(store(dir)).size / 3)) },
  { name: 'truncated to nothing', isGone: true, apply: (dir) => truncateSync(store(dir), 0) },
  { name: 'truncated inside its head', apply: (dir) => truncateSync(store(dir), 100) },
  { name: 'deleted', isGone: true, apply: (dir) => rmSync(store(dir)) },
  { name: 'flipped in its records', apply: (dir) => rot(store(dir), flipRecords) },
  { name: 'flipped in the flags of a page', apply: flipHeader(FLAGS_AT) },
  { name: 'flipped in the bounds of a page', apply: flipHeader(FLAGS_AT + 2) },
  {
    name: 'flipped in both meta pages',
    apply: (dir) =>
      rot(store(dir), (file) => {
        for (const page of [0, 1]) flip(file, page * PAGE + 24);
      }),
  },
  {
    name: 'zeroed in a quarter of its pages',
    apply: (dir) =>
      rot(store(dir), (file, pages) => {
        const quarter = Math.floor(pages / 4);
        writeSync(file, Buffer.alloc(quarter * PAGE), 0, quarter * PAGE, quarter * PAGE);
      }),
  },
];

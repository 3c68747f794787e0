import type { Database, RootDatabase } from 'lmdb';
import { ENCODING } from '../../store/lmdb-file.js';
import { deadLetterKeys, messageKeys, type NumberKey, type SegmentKey, segmentKeys } from './keys.js';

/** An LMDB file begins with two meta pages. */
const META_PAGES = 2;

/** The databases of one LMDB file. */
export interface Databases {
  readonly root: RootDatabase<Buffer, string>;
  readonly meta: Database<Buffer, string>;
  readonly types: Database<Buffer, string>;
  readonly messages: Database<Buffer, Key>;
  readonly gaps: Database<Buffer, string>;
  readonly deadLetters: Database<Buffer, Key>;
  readonly acceptedIds: Database<Buffer, string>;
  readonly acceptedOrder: Database<Buffer, number>;
  readonly journal: Database<Buffer, SegmentKey>;
}

/** lmdb's type of a key has no readonly arrays. */
type Key = [number, number, number];
export const asKey = (key: NumberKey): Key => key as unknown as Key;

/** Small databases first, so that at least those are seen whole by who walks through them. */
export const QUEUE_DATABASES = [
  'meta',
  'types',
  'gaps',
  'dead-letters',
  'messages',
  'accepted-ids',
  'accepted-order',
  'journal',
] as const;

export function openDatabases(root: Databases['root']): Databases {
  // The declarations of lmdb know keyEncoder for the root only.
  const byKey = <K extends Key | SegmentKey>(name: string, encoder: object) =>
    root.openDB<Buffer, K>({ name, encoding: ENCODING, keyEncoder: encoder } as { name: string });
  const byName = (name: string) => root.openDB<Buffer, string>({ name, encoding: ENCODING });
  return {
    root,
    meta: byName('meta'),
    types: byName('types'),
    messages: byKey<Key>('messages', messageKeys.encoder),
    gaps: byName('gaps'),
    deadLetters: byKey<Key>('dead-letters', deadLetterKeys.encoder),
    acceptedIds: byName('accepted-ids'),
    acceptedOrder: root.openDB<Buffer, number>({ name: 'accepted-order', encoding: ENCODING, keyEncoding: 'uint32' }),
    journal: byKey<SegmentKey>('journal', segmentKeys),
  };
}

interface PageCounts {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: PageCounts): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}

interface Stats extends PageCounts {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  /** The database of databases, and that of free pages. */
  readonly root: PageCounts;
  readonly free: PageCounts;
}

/** Room inside the file: its pages that hold nothing, since an LMDB file grows and never shrinks. */
export function unusedBytes({ root, ...databases }: Databases): number {
  const stats = root.getStats() as Stats;
  const others = Object.values(databases).map((database) => database.getStats() as Stats);
  const used = [stats.root, stats.free, ...others].map(pagesOf).reduce((sum, pages) => sum + pages, META_PAGES);
  return Math.max(0, stats.lastPageNumber + 1 - used) * stats.pageSize;
}

/** What a database takes on disk: its pages, full or not. */
export function storedBytes(database: { getStats(): object }): number {
  const stats = database.getStats() as Stats;
  return pagesOf(stats) * stats.pageSize;
}

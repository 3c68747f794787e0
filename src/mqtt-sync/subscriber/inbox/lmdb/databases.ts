import type { Database, RootDatabase } from 'lmdb';
import { ENCODING } from '../../../store/lmdb-file.js';

/** The databases of an inbox, in one LMDB file. Names are written as they are, so that those with a common beginning lie together. */
export interface InboxDatabases {
  readonly root: RootDatabase<Buffer, string>;
  readonly meta: Database<Buffer, string>;
  readonly streams: Database<Buffer, Buffer>;
  readonly handled: Database<Buffer, number>;
  readonly ids: Database<Buffer, Buffer>;
  readonly lasts: Database<Buffer, Buffer>;
  readonly parked: Database<Buffer, number>;
}

/** Small ones first, for whoever walks through them. */
export const INBOX_DATABASES = ['meta', 'streams', 'parked', 'handled', 'ids', 'lasts'] as const;

export function openInboxDatabases(root: InboxDatabases['root']): InboxDatabases {
  const byName = (name: string) => root.openDB<Buffer, Buffer>({ name, encoding: ENCODING, keyEncoding: 'binary' });
  const byNumber = (name: string) => root.openDB<Buffer, number>({ name, encoding: ENCODING });
  return {
    root,
    meta: root.openDB<Buffer, string>({ name: 'meta', encoding: ENCODING }),
    streams: byName('streams'),
    handled: byNumber('handled'),
    ids: byName('ids'),
    lasts: byName('lasts'),
    parked: byNumber('parked'),
  };
}

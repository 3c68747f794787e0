import { QueueUnavailableError } from '../../../errors.js';
import type { SyncLogger } from '../../../logger.js';
import { DamagedStoreError, entryCount } from '../../../store/lmdb-file.js';
import { seal, unseal } from '../../../store/sealed-records.js';
import type { InboxContents } from '../inbox-store.js';
import type { StreamRecord } from '../stream.js';
import type { InboxDatabases } from './databases.js';
import { decodeParked, decodeStream } from './records.js';

/** Rises when the layout changes in a way that this code could not read. */
const FORMAT = 1;

const FORMAT_KEY = 'format';
export const LAST_POSITION_KEY = 'last-position';

type NumberHeader = readonly [number];

export function encodeNumber(value: number): Buffer {
  return seal([value] satisfies NumberHeader);
}

/**
 * Reads what an inbox has to know at its start.
 * @throws {QueueUnavailableError} the store was written by a newer version.
 * @throws {DamagedStoreError} it cannot be told what the store is.
 */
export async function readContents(databases: InboxDatabases, logger: SyncLogger): Promise<InboxContents> {
  const { meta, handled, parked } = databases;
  const format = readNumber(databases, FORMAT_KEY);
  if (format === undefined) await meta.put(FORMAT_KEY, encodeNumber(FORMAT));
  if (format !== undefined && format > FORMAT) {
    throw new QueueUnavailableError(
      `The store of the inbox has format ${format}, this version knows up to ${FORMAT}. Use the newer version that wrote it, or another folder.`,
      { format, known: FORMAT },
    );
  }
  const [lastOrder] = handled.getKeys({ reverse: true, limit: 1 });
  const entries = [...parked.getRange({})].map(({ key: position, value }) => {
    return { position, bytes: decodeParked(position, value).payload.length };
  });
  return {
    streams: readStreams(databases, logger),
    handled: entryCount(handled),
    lastOrder: lastOrder ?? 0,
    parked: entries,
    lastPosition: Math.max(readNumber(databases, LAST_POSITION_KEY) ?? 0, entries.at(-1)?.position ?? 0),
  };
}

function readNumber({ meta }: InboxDatabases, key: string): number | undefined {
  const record = meta.get(key);
  if (!record) return undefined;
  const opened = unseal<NumberHeader>(record);
  if (!opened) throw new DamagedStoreError(`the record "${key}" is damaged`);
  return opened.header[0];
}

function readStreams({ streams }: InboxDatabases, logger: SyncLogger): StreamRecord[] {
  const found: StreamRecord[] = [];
  let damaged = 0;
  for (const { value } of streams.getRange({})) {
    const record = decodeStream(value);
    if (record) found.push(record);
    else damaged++;
  }
  if (damaged > 0) {
    logger.error(
      `The inbox cannot read its record of ${damaged} stream(s): their repeats are known by message id alone from now on.`,
    );
  }
  return found;
}

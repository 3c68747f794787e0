import { StoreFormatError } from '../../errors.js';
import type { SyncLogger } from '../../logger.js';
import type { Lane } from '../../wire/lanes.js';
import type { SequenceRange } from '../../wire/sequence-ranges.js';
import type { StoreContents, TypeRecord } from '../message-store.js';
import type { QueueIdentity } from '../sync-queue.js';
import { asKey, type Databases } from './databases.js';
import { messageKeys } from './keys.js';
import { DamagedStoreError, entryCount } from '../../store/lmdb-file.js';
import { seal, unseal } from '../../store/sealed-records.js';
import { decodeMessage } from './records.js';

/** Rises when the layout changes in a way that this code could not read. */
const FORMAT = 1;

const IDENTITY_KEY = 'identity';

type IdentityHeader = readonly [format: number, vesselId: string, epoch: number];
type TypeHeader = readonly [
  number: number,
  sequence: number,
  lastPosition: number,
  lane: Lane,
  messages: number,
  bytes: number,
];
type GapsHeader = readonly SequenceRange[];

export function writeIdentity({ meta }: Databases, { vesselId, epoch }: QueueIdentity): void {
  meta.putSync(IDENTITY_KEY, seal([FORMAT, vesselId, epoch] satisfies IdentityHeader));
}

export function encodeType({ number, sequence, lastPosition, lane, messages, bytes }: TypeRecord): Buffer {
  return seal([number, sequence, lastPosition, lane, messages, bytes] satisfies TypeHeader);
}

export function encodeGaps(ranges: readonly SequenceRange[]): Buffer {
  return seal(ranges satisfies GapsHeader);
}

/**
 * Reads what a queue has to know at its start.
 * @throws {StoreFormatError} the store was written by a newer version.
 * @throws {DamagedStoreError} what every message depends on is damaged.
 */
export function readContents(
  databases: Databases,
  latestEpoch: number,
  logger: SyncLogger,
): Omit<StoreContents, 'storesAside'> {
  const identity = readIdentity(databases);
  const types = readTypes(databases);
  const messages = types.reduce((sum, type) => sum + type.messages, 0);
  const found = entryCount(databases.messages);
  if (messages !== found) {
    logger.warn(`The store says it holds ${messages} message(s), but there are ${found}: they are counted anew.`);
  }
  return {
    identity,
    latestEpoch,
    types: messages === found ? types : recount(databases, types),
    gaps: readGaps(databases, logger),
    deadLetters: entryCount(databases.deadLetters),
  };
}

function readIdentity({ meta }: Databases): QueueIdentity | undefined {
  const record = meta.get(IDENTITY_KEY);
  if (!record) return undefined;
  const opened = unseal<IdentityHeader>(record);
  if (!opened) throw new DamagedStoreError('the record of its vessel and epoch is damaged');
  const [format, vesselId, epoch] = opened.header;
  if (format > FORMAT) {
    throw new StoreFormatError(
      `The store of the queue has format ${format}, and this version reads formats up to ${FORMAT}. It was left as it is: ` +
        'start the newer version that wrote it, or give this one another folder.',
      { format, known: FORMAT },
    );
  }
  return { vesselId, epoch };
}

function readTypes({ types }: Databases): TypeRecord[] {
  const found: TypeRecord[] = [];
  for (const { key: entity, value } of types.getRange({})) {
    const opened = unseal<TypeHeader>(value);
    if (!opened) throw new DamagedStoreError(`the record of entity type "${entity}" is damaged`);
    const [number, sequence, lastPosition, lane, messages, bytes] = opened.header;
    found.push({ entity, number, sequence, lastPosition, lane, messages, bytes });
  }
  return found;
}

function readGaps({ gaps }: Databases, logger: SyncLogger): Map<string, readonly SequenceRange[]> {
  const found = new Map<string, readonly SequenceRange[]>();
  for (const { key: entity, value } of gaps.getRange({})) {
    const opened = unseal<GapsHeader>(value);
    if (opened) found.set(entity, opened.header);
    else logger.error(`The record of the gaps of "${entity}" is damaged: the other side will not be told of them.`);
  }
  return found;
}

/** Counts the messages of each type, reading all of them; only after a damage. */
function recount({ messages }: Databases, types: readonly TypeRecord[]): TypeRecord[] {
  return types.map((type) => {
    const counted = { messages: 0, bytes: 0 };
    const range = { start: asKey([type.number, 0, 0]), end: asKey([type.number, type.lastPosition + 1, 0]) };
    for (const { key, value } of messages.getRange(range)) {
      counted.messages++;
      counted.bytes += decodeMessage(messageKeys.read(key), value).message?.payload.length ?? 0;
    }
    return { ...type, ...counted };
  });
}

import type { EntityStream } from './entity-stream.js';
import type { ReadLimits, StoredRecord } from './message-store.js';
import type { QueuedMessage } from './message.js';
import type { MessageSelection } from './sync-queue.js';

/** How much of one entity type is in memory at a time while the messages are listed. */
const LISTING_LIMITS: ReadLimits = { records: 64, bytes: 64 * 1024 };

/** What a listing asks of the queue. */
export interface ListingSource {
  /** @throws {QueueUnavailableError} the store cannot be read. */
  readonly read: (stream: EntityStream, after: number, upTo: number, limits: ReadLimits) => readonly StoredRecord[];
  /** Whether what was read is in the queue still: it may have left, and its removal not be committed yet. */
  readonly holds: (stream: EntityStream, position: number) => boolean;
}

/** The messages of a queue by position, read as they are asked for. */
export function listMessages(
  streams: Iterable<EntityStream>,
  { entity, after = -1 }: MessageSelection,
  source: ListingSource,
): Iterable<QueuedMessage> {
  const chosen = [...streams].filter((stream) => entity === undefined || stream.entity === entity);
  return byPosition(chosen.map((stream) => messagesOf(stream, after, source)));
}

function* messagesOf(stream: EntityStream, after: number, { read, holds }: ListingSource): Generator<QueuedMessage> {
  const upTo = stream.lastPosition;
  for (let last = after; stream.volume.messages > 0;) {
    const records = read(stream, last, upTo, LISTING_LIMITS);
    if (records.length === 0) return;
    for (const { message } of records) if (message && holds(stream, message.position)) yield message;
    last = records.at(-1)!.key.position;
  }
}

interface Head {
  readonly rest: Iterator<QueuedMessage>;
  first: QueuedMessage;
}

/** Merges messages that are each in the order of their positions into one such order, read as they are asked for. */
function* byPosition(sources: readonly Iterable<QueuedMessage>[]): Generator<QueuedMessage> {
  const heads = sources.flatMap((source): Head[] => {
    const rest = source[Symbol.iterator]();
    const next = rest.next();
    return next.done ? [] : [{ rest, first: next.value }];
  });
  while (heads.length > 0) {
    const head = heads.reduce((oldest, other) => (other.first.position < oldest.first.position ? other : oldest));
    yield head.first;
    const next = head.rest.next();
    if (next.done) heads.splice(heads.indexOf(head), 1);
    else head.first = next.value;
  }
}

import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import type { QueueIdentity } from '../../queue/sync-queue.js';
import { type CatchupEnvelope, encodeEnvelope } from '../../wire/envelope.js';
import type { SourceChange } from './catch-up-source.js';

/** Where a change stands in an answer. */
export interface ReplayPlace {
  readonly request: string;
  readonly index: number;
  readonly total: number;
}

/** When a source was read. */
export interface SourceReading {
  readonly nowMs: number;
  /** The newest sequence when it began: what is newer may have overtaken the states that it yields. */
  readonly asOf: number;
}

/** Namespace of the ids of changes that come from a source (RFC 9562, section 5.5); any UUID will do, as long as it stays. */
const SOURCE_NAMESPACE = '8f0d7a52-6f0c-4e0e-9a53-3f6f6f0f7c11';

/** A change that was delivered before: what was first sent, with another type and its place in the answer. */
export function replayOf(payload: Buffer, { request, index, total }: ReplayPlace): Buffer {
  const envelope = JSON.parse(payload.toString()) as CatchupEnvelope;
  return encodeEnvelope({ ...envelope, type: 'catchup', request, index, total });
}

/** A change that an application has read from its own database. */
export function sourceReplay(
  change: SourceChange,
  entity: string,
  { vesselId, epoch }: QueueIdentity,
  { nowMs, asOf }: SourceReading,
  place: ReplayPlace,
): Buffer {
  const { operation, key, data, sequence } = change;
  const timestamp = new Date(change.timestamp ?? nowMs).toISOString();
  const version = sequence ?? (change.timestamp === undefined ? JSON.stringify(data) : timestamp);
  const identity = JSON.stringify([vesselId, epoch, entity, operation, key, version]);
  const messageId = change.messageId ?? uuidv5(identity, SOURCE_NAMESPACE);
  return encodeEnvelope({
    ...{ type: 'catchup', entity, operation, messageId, vesselId, epoch, timestamp },
    ...(key !== undefined && { key }),
    ...(sequence === undefined ? { asOf } : { sequence }),
    ...(data !== undefined && { data }),
    ...place,
  });
}

/** The id of a message of the service itself. */
export const newMessageId = (): string => uuidv7();

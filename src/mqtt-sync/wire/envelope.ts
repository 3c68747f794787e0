import type { SequenceRange } from './sequence-ranges.js';

/** What happened to an entity. */
export const OPERATIONS = ['create', 'update', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Fields that every envelope has. Consumers ignore fields they do not know. */
interface EnvelopeBase {
  /** UUIDv7, or the id that the caller gave. */
  readonly messageId: string;
  readonly vesselId: string;
  /** Names one life of the vessel's queue; test for difference, not for size. */
  readonly epoch: number;
  /** When the change was accepted: ISO 8601, UTC. */
  readonly timestamp: string;
}

/** The JSON document of one change on the wire. */
export interface ChangeEnvelope extends EnvelopeBase {
  readonly type: 'data_change';
  readonly entity: string;
  readonly operation: Operation;
  /** The entity's id; absent: the entity type orders as one. */
  readonly key?: string;
  /** Rises by one per vessel, epoch and entity type. */
  readonly sequence: number;
  readonly data?: unknown;
}

/** Tells whether a vessel is online; retained, and the last will of its connection. */
export interface StatusEnvelope extends EnvelopeBase {
  readonly type: 'status';
  readonly entity: 'system';
  readonly data: { readonly status: 'online' | 'offline' };
}

/** Sequence numbers of one entity type that the other side will never see. */
export interface GapEnvelope extends EnvelopeBase {
  readonly type: 'gap';
  /** The entity type that the ranges are about. */
  readonly entity: string;
  readonly data: { readonly ranges: readonly SequenceRange[] };
  /** Set when it ends the answer to a request for catch-up: then `ranges` may be empty. */
  readonly answered?: CatchupEnd;
}

/** How the answer to a request for catch-up ended. */
export interface CatchupEnd {
  /** Id of the request. */
  readonly request: string;
  /** How many changes were sent. */
  readonly total: number;
  /** The request is answered up to this sequence; the rest has to be asked for again. 0: there was nothing to answer. */
  readonly upTo: number;
  /** Whether there is more to ask for. */
  readonly more: boolean;
}

/** A change sent again on request; otherwise the envelope that it was first sent as. */
export interface CatchupEnvelope extends Omit<ChangeEnvelope, 'type' | 'sequence'> {
  readonly type: 'catchup';
  /** Absent for the state of an entity, which stands in for changes that are no longer kept. */
  readonly sequence?: number;
  /** In place of a sequence: the newest one there was when the state was read; 0: there was none. */
  readonly asOf?: number;
  /** Id of the request that it answers. */
  readonly request: string;
  /** Counted from 1. */
  readonly index: number;
  /** How many the answer has in all, as far as the sender knows. */
  readonly total: number;
}

/** Asks a vessel for changes again, on `<prefix>/catchup/request`. */
export interface CatchupRequestEnvelope extends Omit<EnvelopeBase, 'epoch'> {
  readonly type: 'catchup';
  /** The entity type that is asked for. `vesselId` is who asks. */
  readonly entity: string;
  readonly data: {
    /** Whose changes. */
    readonly vesselId: string;
    /** Of which life of its queue; absent: of the current one. */
    readonly epoch?: number;
    /** Only what is missing here; absent: everything after `sinceSequence` or `sinceTime`. */
    readonly ranges?: readonly { readonly from: number; readonly to: number }[];
    readonly sinceSequence?: number;
    /** ISO 8601, UTC. */
    readonly sinceTime?: string;
    /** Changes at most; the rest is asked for with another request. */
    readonly limit?: number;
  };
}

/** What is known of a change before the queue gives it its sequence. */
export interface ChangeDraft {
  readonly entity: string;
  readonly operation: Operation;
  readonly key: string | undefined;
  readonly messageId: string;
  readonly vesselId: string;
  readonly timestamp: string;
  /** The data as JSON text; undefined when the change carries none. */
  readonly dataJson: string | undefined;
}

/** The widest sequence, Number.MAX_SAFE_INTEGER, has 16 digits; an epoch in Unix seconds stays below 12 for 28,000 years. */
const WIDEST_NUMBERS = 16 + 12;
/** What stands around the numbers and the data. */
const LABEL_BYTES = ',"epoch":,"sequence":,"data":}'.length;

/**
 * A change envelope that only lacks its epoch and sequence. The data is serialised once, when the change is published:
 * what the caller does to the object afterwards no longer matters.
 */
export class DraftEnvelope {
  /** The beginning of the envelope, up to what the queue adds. */
  private readonly known: string;
  private readonly dataJson: string | undefined;
  /** Size of the sealed envelope at most, in bytes. */
  readonly maxBytes: number;

  constructor({ entity, operation, key, messageId, vesselId, timestamp, dataJson }: ChangeDraft) {
    const keyField = key === undefined ? '' : `,"key":${JSON.stringify(key)}`;
    // Written by hand, for what may stand in an entity type, an operation and a time needs no escaping: three times as fast.
    this.known =
      `{"type":"data_change","entity":"${entity}","operation":"${operation}"${keyField},"messageId":${JSON.stringify(messageId)}` +
      `,"vesselId":${JSON.stringify(vesselId)},"timestamp":"${timestamp}"`;
    this.dataJson = dataJson;
    // Of what is known only the key may be other than ASCII; measuring all of it would make another copy.
    const knownBytes = this.known.length + Buffer.byteLength(keyField) - keyField.length;
    const dataBytes = dataJson === undefined ? 0 : Buffer.byteLength(dataJson);
    this.maxBytes = knownBytes + LABEL_BYTES + WIDEST_NUMBERS + dataBytes;
  }

  /** The finished envelope as UTF-8. */
  seal(epoch: number, sequence: number): Buffer {
    const head = `${this.known},"epoch":${epoch},"sequence":${sequence}`;
    return Buffer.from(this.dataJson === undefined ? `${head}}` : `${head},"data":${this.dataJson}}`);
  }
}

/**
 * Gives the finished envelope of a change another epoch and sequence. `,"epoch":` cannot stand in a string before it: there
 * a quotation mark is escaped, and one that ends a string is not followed by a letter.
 */
export function resealEnvelope(envelope: Buffer, epoch: number, sequence: number): Buffer {
  const text = envelope.toString();
  return Buffer.from(text.replace(/,"epoch":\d+,"sequence":\d+/, `,"epoch":${epoch},"sequence":${sequence}`));
}

/** Encodes an envelope of the service's own traffic. */
export function encodeEnvelope(
  envelope: StatusEnvelope | GapEnvelope | CatchupEnvelope | CatchupRequestEnvelope,
): Buffer {
  return Buffer.from(JSON.stringify(envelope));
}

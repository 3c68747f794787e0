import { seal, unseal } from '../../../store/sealed-records.js';
import type { GapReason } from '../../../wire/sequence-ranges.js';
import type { ChangeIdentity, ParkedMessage } from '../inbox.js';
import type { HandledRecord, LastHandled } from '../inbox-store.js';
import type { StreamRecord } from '../stream.js';

type HandledHeader = readonly [atMs: number, idName: string | null, keyName: string | null];
type LastHeader = readonly [epoch: number, sequence: number, order: number];

export function encodeHandled({ atMs, idName, keyName }: HandledRecord): Buffer {
  return seal([atMs, idName ?? null, keyName ?? null] satisfies HandledHeader);
}

/** Reads what was handled; a damaged record is the oldest there can be, so that it goes first, and its names stay behind. */
export function decodeHandled(order: number, record: Buffer): HandledRecord {
  const [atMs, idName, keyName] = unseal<HandledHeader>(record)?.header ?? [-Infinity, null, null];
  return { order, atMs, idName: idName ?? undefined, keyName: keyName ?? undefined };
}

export function encodeLast({ epoch, sequence, order }: LastHandled): Buffer {
  return seal([epoch, sequence, order] satisfies LastHeader);
}

/** Undefined when the record is damaged. */
export function decodeLast(record: Buffer): LastHandled | undefined {
  const opened = unseal<LastHeader>(record);
  if (!opened) return undefined;
  const [epoch, sequence, order] = opened.header;
  return { epoch, sequence, order };
}

type StreamHeader = Omit<StreamRecord, 'settled' | 'lost' | 'first'> & {
  readonly first: number | null;
  /** From, to, from, to, ... */
  readonly settled: readonly number[];
  readonly lost: readonly (readonly [from: number, to: number, reason: GapReason])[];
};

export function encodeStream({ settled, lost, first, ...rest }: StreamRecord): Buffer {
  const header: StreamHeader = {
    ...rest,
    first: first ?? null,
    settled: settled.flatMap(({ from, to }) => [from, to]),
    lost: lost.map(({ from, to, reason }) => [from, to, reason]),
  };
  return seal(header);
}

/** Undefined when the record is damaged. */
export function decodeStream(record: Buffer): StreamRecord | undefined {
  const opened = unseal<StreamHeader>(record);
  if (!opened) return undefined;
  const { settled: pairs, lost, first, ...rest } = opened.header;
  const settled = pairs.flatMap((from, at) => (at % 2 === 0 ? [{ from, to: pairs[at + 1]! }] : []));
  return {
    ...rest,
    first: first ?? undefined,
    settled,
    lost: lost.map(([from, to, reason]) => ({ from, to, reason })),
  };
}

type ParkedHeader = Omit<ParkedMessage, 'position' | 'payload' | 'identity'> & {
  readonly identity: ChangeIdentity | null;
};

export function encodeParked({ position: _position, payload, identity, ...rest }: ParkedMessage): Buffer {
  const { messageId, vesselId, epoch, sequence, asOf, entity, key, retained, replayed } = identity ?? {};
  const known = identity ? { messageId, vesselId, epoch, sequence, asOf, entity, key, retained, replayed } : null;
  const { topic, qos, reason, error, attempts, parkedAtMs, retained: wasRetained } = rest;
  return seal({ topic, qos, reason, error, attempts, parkedAtMs, retained: wasRetained, identity: known }, payload);
}

const DAMAGED: Omit<ParkedMessage, 'position' | 'payload'> = {
  ...{ topic: '', qos: 1, retained: false, identity: undefined, attempts: 0, parkedAtMs: 0 },
  ...{ reason: 'damaged', error: 'the record in the store is damaged' },
};

export function decodeParked(position: number, record: Buffer): ParkedMessage {
  const opened = unseal<ParkedHeader>(record);
  // Copies: lmdb may use its buffer again.
  if (!opened) return { ...DAMAGED, position, payload: Buffer.from(record) };
  const { identity, ...rest } = opened.header;
  return { ...rest, position, payload: Buffer.from(opened.body), identity: identity ? restored(identity) : undefined };
}

/** JSON leaves out what is undefined. */
function restored(identity: ChangeIdentity): ChangeIdentity {
  const absent = { messageId: undefined, vesselId: undefined, epoch: undefined, sequence: undefined, key: undefined };
  return { ...absent, ...identity };
}

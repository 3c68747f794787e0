import { isFields, parseFields } from './json-fields.js';

/** What a vessel, or the broker in its place, says of its connection. */
export interface ToldStatus {
  readonly vesselId: string;
  readonly isOnline: boolean;
}

/** Understands a status message; undefined when it is none. */
export function decodeStatus(payload: Buffer): ToldStatus | undefined {
  const envelope = parseFields(payload);
  if (envelope?.['type'] !== 'status') return undefined;
  const { vesselId, data } = envelope;
  if (typeof vesselId !== 'string' || !isFields(data)) return undefined;
  return { vesselId, isOnline: data['status'] === 'online' };
}

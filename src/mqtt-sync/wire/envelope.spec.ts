import { describe, expect, it } from 'vitest';
import { type ChangeEnvelope, DraftEnvelope } from './envelope.js';

const draft = {
  entity: 'work_orders',
  operation: 'update',
  key: 'WO-1 "ü"',
  messageId: 'm1',
  vesselId: 'mv-aurora',
  timestamp: '2026-01-01T00:00:00.000Z',
  dataJson: JSON.stringify({ id: 'WO-1', note: 'Hauptmaschine läuft' }),
} as const;

const parse = (payload: Buffer) => JSON.parse(payload.toString()) as ChangeEnvelope;

describe('DraftEnvelope', () => {
  it('seals into one JSON document with every field of the wire contract', () => {
    expect(parse(new DraftEnvelope(draft).seal(1_760_000_000, 42))).toEqual({
      type: 'data_change',
      entity: 'work_orders',
      operation: 'update',
      key: 'WO-1 "ü"',
      messageId: 'm1',
      vesselId: 'mv-aurora',
      timestamp: '2026-01-01T00:00:00.000Z',
      epoch: 1_760_000_000,
      sequence: 42,
      data: { id: 'WO-1', note: 'Hauptmaschine läuft' },
    });
  });

  it('leaves out a key and data that the change does not have', () => {
    const envelope = parse(new DraftEnvelope({ ...draft, key: undefined, dataJson: undefined }).seal(1, 1));
    expect(envelope).not.toHaveProperty('key');
    expect(envelope).not.toHaveProperty('data');
  });

  it('is never larger than announced, up to the widest numbers', () => {
    const envelope = new DraftEnvelope(draft);
    expect(envelope.seal(1_760_000_000, 1).length).toBeLessThan(envelope.maxBytes);
    expect(envelope.seal(999_999_999_999, Number.MAX_SAFE_INTEGER).length).toBe(envelope.maxBytes);
    const bare = new DraftEnvelope({ ...draft, dataJson: undefined });
    expect(bare.seal(999_999_999_999, Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(bare.maxBytes);
  });
});

import { describe, expect, it } from 'vitest';
import { decodeChange } from './decode-change.js';

const ENVELOPE = {
  type: 'data_change',
  entity: 'crew',
  operation: 'update',
  key: 'C-1',
  messageId: 'm-1',
  vesselId: 'mv-ship',
  timestamp: '2026-01-01T00:00:00.000Z',
  epoch: 1_767_225_600,
  sequence: 7,
  data: { id: 'C-1' },
};

function decode(payload: string | Buffer | object, maxBytes = 10_000) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(text);
  return decodeChange({ topic: 'vessel/sync/crew', payload: bytes, qos: 1, retained: false }, maxBytes);
}

describe('decodeChange()', () => {
  it('understands an envelope, with and without a key', () => {
    const fields: Partial<typeof ENVELOPE> = { ...ENVELOPE };
    delete fields.type;
    expect(decode(ENVELOPE)).toMatchObject({ form: 'envelope', replayed: false, ...fields });
    expect(decode({ ...ENVELOPE, key: undefined })).toMatchObject({ form: 'envelope', key: undefined });
    expect(decode({ ...ENVELOPE, type: 'catchup', request: 'r', index: 1, total: 1 })).toMatchObject({
      form: 'envelope',
      replayed: true,
    });
  });

  it.each(['epoch', 'sequence', 'messageId', 'vesselId', 'operation'])('calls one without %s older', (field) => {
    expect(decode({ ...ENVELOPE, [field]: undefined })).toMatchObject({ form: 'older', data: ENVELOPE.data });
    expect(decode({ ...ENVELOPE, [field]: null })).toMatchObject({ form: 'older', [field]: undefined });
  });

  it('knows an envelope of an unknown type from data that has a type of its own', () => {
    expect(decode({ ...ENVELOPE, type: 'check' })).toEqual({ unknownType: 'check' });
    expect(decode({ ...ENVELOPE, type: 'gap' })).toEqual({ unknownType: 'gap' });
    for (const field of ['entity', 'messageId', 'vesselId', 'timestamp'])
      expect(decode({ ...ENVELOPE, type: 'check', [field]: undefined })).toMatchObject({ form: 'bare' });
    expect(decode({ type: 'pump', id: 'P-3' })).toMatchObject({ form: 'bare', data: { type: 'pump', id: 'P-3' } });
  });

  it('takes the entity type of an older one from the topic, where it does not say', () => {
    expect(decode({ type: 'data_change', data: 1 })).toMatchObject({ form: 'older', entity: 'crew', data: 1 });
  });

  it.each([
    ['JSON', '{"id":1}', { id: 1 }],
    ['JSON with a type of its own', '{"type":"invoice"}', { type: 'invoice' }],
    ['a number', '42', 42],
    ['a text', 'anchor dropped', 'anchor dropped'],
    ['nothing', '', ''],
  ])('hands %s on as it is', (_what, payload, data) => {
    expect(decode(payload)).toMatchObject({ form: 'bare', entity: 'crew', messageId: undefined, data });
  });

  it.each([
    ['broken JSON', '{"type":"data_change",', /broken JSON/],
    ['bytes that are no UTF-8', Buffer.of(0x7b, 0xff), /not UTF-8/],
    ['too many bytes', 'x'.repeat(10_001), /10001 bytes, the limit is 10000/],
    ['brackets without end', '['.repeat(5000), /nested more than 200/],
    ['a sequence that is none', { ...ENVELOPE, sequence: '7' }, /bad "sequence"/],
    ['a time of reading that is none', { ...ENVELOPE, type: 'catchup', asOf: -1 }, /bad "asOf"/],
    ['an epoch below 1', { ...ENVELOPE, epoch: 0 }, /bad "epoch"/],
    ['an operation that nobody knows', { ...ENVELOPE, operation: 'upsert' }, /bad "operation"/],
    ['an id of a thousand characters', { ...ENVELOPE, messageId: 'x'.repeat(1000) }, /bad "messageId"/],
    ['an entity type that is none', { ...ENVELOPE, entity: 'system/gap' }, /bad "entity"/],
  ])('says what is wrong with %s', (_what, payload, fault) => {
    expect(decode(payload)).toEqual({ fault: expect.stringMatching(fault) as string });
  });

  it('knows of the state of an entity after which change it was read', () => {
    const state = { ...ENVELOPE, type: 'catchup', sequence: undefined };
    expect(decode({ ...state, asOf: 0 })).toMatchObject({ replayed: true, sequence: undefined, asOf: 0 });
    expect(decode(state)).toMatchObject({ replayed: true, asOf: undefined });
    // To a live change it means nothing.
    expect(decode({ ...ENVELOPE, asOf: 'yesterday' })).toMatchObject({ form: 'envelope', asOf: undefined });
  });

  it('counts no brackets within strings', () => {
    expect(decode({ text: '[{"\\'.repeat(500) })).toMatchObject({ form: 'bare' });
  });

  it('takes nothing from a prototype that the sender brings along', () => {
    const payload = `{"__proto__":${JSON.stringify(ENVELOPE)},"constructor":{"prototype":{"polluted":true}}}`;
    expect(decode(payload)).toMatchObject({ form: 'bare', messageId: undefined });
    const envelope = `{"__proto__":{"sequence":9},${JSON.stringify({ ...ENVELOPE, sequence: undefined }).slice(1)}`;
    expect(decode(envelope)).toMatchObject({ form: 'older', sequence: undefined });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

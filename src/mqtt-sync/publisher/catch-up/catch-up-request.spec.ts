import { describe, expect, it } from 'vitest';
import { readRequest } from './catch-up-request.js';

/** A request to mv-aurora, with other data or fields. */
function request(data: object = {}, fields: object = {}): Buffer {
  const envelope = { type: 'catchup', entity: 'crew', messageId: 'ask-1', vesselId: 'office' };
  return Buffer.from(JSON.stringify({ ...envelope, ...fields, data: { vesselId: 'mv-aurora', ...data } }));
}

const read = (payload: Buffer) => readRequest(payload, 'mv-aurora');

describe('A request for catch-up', () => {
  it('asks for everything, of the journal a thousand changes at a time, unless it says otherwise', () => {
    const unlimited = { epoch: undefined, ranges: undefined, sinceSequence: 0, sinceTimeMs: undefined };
    const limits = { limit: 1000, sourceLimit: undefined };
    expect(read(request())).toEqual({ id: 'ask-1', requester: 'office', entity: 'crew', ...unlimited, ...limits });
    expect(read(request({ sinceTime: '2026-01-01T01:00:00+01:00', limit: 1e9 }))).toMatchObject({
      ...{ sinceTimeMs: Date.UTC(2026, 0, 1), limit: 10_000, sourceLimit: 1e9 },
    });
  });

  it('has its ranges put in order, and joined where they touch or overlap', () => {
    const ranges = [
      { from: 9, to: 12 },
      { from: 1, to: 3 },
      { from: 4, to: 5 },
      { from: 11, to: 11 },
      { from: 20, to: 20 },
    ];
    expect(read(request({ ranges }))?.ranges).toEqual([
      { from: 1, to: 5 },
      { from: 9, to: 12 },
      { from: 20, to: 20 },
    ]);
  });

  it('is ignored when another vessel is asked', () => {
    expect(read(request({ vesselId: 'mv-borealis' }))).toBeUndefined();
  });

  it.each([
    ['no JSON', Buffer.from('{')],
    ['null', Buffer.from('null')],
    ['another type', request({}, { type: 'data_change' })],
    ['a reserved entity type', request({}, { entity: 'system' })],
    ['the entity type whose answers would be requests', request({}, { entity: 'request' })],
    ['a question of the vessel to itself', request({}, { vesselId: 'mv-aurora' })],
    ['a change of an answer', request({}, { operation: 'create', request: 'ask-0', index: 1, total: 3 })],
    ['no id', request({}, { messageId: '' })],
    ['nobody who asks', request({}, { vesselId: undefined })],
    ['a range that ends before it begins', request({ ranges: [{ from: 2, to: 1 }] })],
    ['a range from zero', request({ ranges: [{ from: 0, to: 1 }] })],
    ['a fraction', request({ sinceSequence: 1.5 })],
    ['a time without its offset', request({ sinceTime: '2026-01-01T00:00:00' })],
    ['a limit of nothing', request({ limit: 0 })],
    ['too many ranges', request({ ranges: Array.from({ length: 501 }, () => ({ from: 1, to: 1 })) })],
    ['too much', request({ padding: 'x'.repeat(33 * 1024) })],
  ])('is ignored when it is junk: %s', (_what, payload) => {
    expect(read(payload)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import type { QueuedMessage } from '../message.js';
import { decodeDeadLetter, decodeMessage, encodeDeadLetter, encodeMessage } from './records.js';
import { seal, unseal } from '../../store/sealed-records.js';

const KEY = { type: 3, position: 2 ** 47, sequence: 7 };

const MESSAGE: QueuedMessage = {
  ...{ entity: 'crew', operation: 'delete', key: undefined, messageId: 'é', topic: 't/ü', qos: 2, retain: false },
  ...{ acceptedAtMs: 1, lane: 'bulk', position: KEY.position, sequence: KEY.sequence, payload: Buffer.from('{"a":1}') },
};

describe('records', () => {
  it('give a message back as it was', () => {
    expect(decodeMessage(KEY, encodeMessage(MESSAGE)).message).toEqual(MESSAGE);
  });

  it('notice a change of any single byte', () => {
    const record = encodeMessage(MESSAGE);
    for (let at = 0; at < record.length; at++) {
      const damaged = Buffer.from(record);
      damaged[at]! ^= 0x10;
      expect([at, decodeMessage(KEY, damaged).message]).toEqual([at, undefined]);
    }
  });

  it('notice a record that was cut short, to nothing even', () => {
    const record = seal(['x'], Buffer.from('body'));
    for (let length = 0; length < record.length; length++) expect(unseal(record.subarray(0, length))).toBeUndefined();
  });

  it('give a dead letter back as it was, and the bytes of one that was damaged', () => {
    const verdict = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2, deadAtMs: 5 };
    const place = { entity: 'crew', position: KEY.position, sequence: KEY.sequence };
    const stored = { key: KEY, letter: { ...place, ...verdict, message: MESSAGE }, raw: undefined };
    expect(decodeDeadLetter(KEY, 'crew', encodeDeadLetter(stored))).toEqual(stored);
    const corrupt = { key: KEY, letter: { ...place, ...verdict, message: undefined }, raw: Buffer.from('??') };
    expect(decodeDeadLetter(KEY, 'crew', encodeDeadLetter(corrupt))).toEqual(corrupt);
  });
});

import { describe, expect, it } from 'vitest';
import { ChangeInvalidError, ChangeNotSerialisableError, ChangeTooLargeError } from '../errors.js';
import { EntityPolicies } from '../wire/entity-policies.js';
import type { ChangeEnvelope } from '../wire/envelope.js';
import { Topics } from '../wire/topics.js';
import { type Change, draftMessage, momentOf } from './change.js';
import { MessageIds } from './message-ids.js';

const context = {
  policies: new EntityPolicies(),
  topics: new Topics('vessel/sync', 'mv-aurora'),
  vesselId: 'mv-aurora',
  maxMessageBytes: 1024,
  nextMessageId: () => new MessageIds().next(),
};

const acceptedAt = momentOf(Date.UTC(2026, 0, 1));
const draft = (change: Partial<Change>) =>
  draftMessage({ entity: 'work_orders', operation: 'update', data: { id: 7 }, ...change }, acceptedAt, context);
const envelopeOf = (change: Partial<Change>) =>
  JSON.parse(draft(change).envelope.seal(1, 1).toString()) as ChangeEnvelope;

describe('draftMessage', () => {
  it('takes the key that is given, else the id in the data, else none', () => {
    expect(draft({ key: 'WO-1', data: { id: 'other' } }).key).toBe('WO-1');
    expect(draft({ data: { id: 'WO-2' } }).key).toBe('WO-2');
    expect(draft({ data: { id: 12 } }).key).toBe('12');
    expect(draft({ data: { name: 'no id' } }).key).toBeUndefined();
    expect(draft({ data: { id: { nested: true } } }).key).toBeUndefined();
    expect(draft({ data: [1, 2] }).key).toBeUndefined();
  });

  it('serialises at once: what happens to the data afterwards does not matter', () => {
    const data = { id: 'WO-1', status: 'open' };
    const message = draft({ data });
    data.status = 'closed';
    expect(JSON.parse(message.envelope.seal(1, 1).toString())).toMatchObject({ data: { status: 'open' } });
  });

  it('gives every message a version 7 UUID unless the caller gave an id', () => {
    expect(draft({}).messageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(draft({ messageId: 'abc' })).toMatchObject({ messageId: 'abc', idIsGiven: true });
  });

  it('lets a delete go without data, and nothing else', () => {
    expect(envelopeOf({ operation: 'delete', data: undefined, key: 'a' })).not.toHaveProperty('data');
    expect(() => draft({ data: undefined })).toThrow(ChangeNotSerialisableError);
  });

  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const deep: unknown = Array.from({ length: 200_000 }).reduce((inner) => [inner], null);
  it.each([
    ['a cycle', cycle],
    ['a BigInt', { amount: 1n }],
    ['a function', () => 1],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
    ],
    ['nesting deeper than the stack', deep],
  ])('refuses data with %s', (_what, data) => {
    expect(() => draft({ data })).toThrow(ChangeNotSerialisableError);
  });

  it.each([
    ['an unknown operation', { operation: 'upsert' as never }],
    ['an empty key', { key: '' }],
    ['a key that is too long', { key: 'k'.repeat(257) }],
    ['a key that is no string', { key: {} as never }],
    ['a QoS beyond 2', { qos: 3 as never }],
    ['a retain that is no boolean', { retain: 'yes' as never }],
    ['an empty message id', { messageId: '' }],
    ['a message id with a line break', { messageId: 'a\nb' }],
    ['a field that nobody would look at', { keyy: '7' } as never],
  ])('refuses %s', (_what, change) => {
    expect(() => draft(change)).toThrow(ChangeInvalidError);
  });

  it('takes every field that a change may have, and names them all where there is another one', () => {
    const all = { key: 'k', qos: 2, retain: false, messageId: 'm' } as const;
    expect(draft(all)).toMatchObject(all);
    expect(() => draft({ colour: 'blue' } as never)).toThrow(
      'unknown field "colour"; known are entity, operation, data, key, qos, retain, messageId.',
    );
  });

  it('does not mind what an object has from its prototype', () => {
    const inherited = Object.create({ colour: 'blue' }) as Change;
    const given = Object.assign(inherited, { entity: 'crew', operation: 'update', data: 1 } as const);
    expect(() => draftMessage(given, acceptedAt, context)).not.toThrow();
  });

  it('refuses data whose id cannot be read, and what is no object at all', () => {
    const data = {
      get id(): string {
        throw new Error('lazy relation');
      },
    };
    expect(() => draft({ data })).toThrow(ChangeNotSerialisableError);
    for (const change of [null, undefined, 7]) {
      expect(() => draftMessage(change as never, acceptedAt, context)).toThrow(ChangeInvalidError);
    }
  });

  it('refuses an envelope over the limit, saying how large it is, and takes one just below', () => {
    const overhead = draft({ data: '' }).envelope.maxBytes;
    expect(() => draft({ data: 'x'.repeat(1024 - overhead) })).not.toThrow();
    expect(() => draft({ data: 'x'.repeat(1025 - overhead) })).toThrow(ChangeTooLargeError);
    expect(() => draft({ data: 'ü'.repeat(1000) })).toThrow(
      /bytes, the limit is 1024\. .* maxMessageBytes \(MQTT_MAX_MESSAGE_BYTES\)\.$/,
    );
  });

  it('keeps data with prototype keys as plain data', () => {
    const data: unknown = JSON.parse('{"__proto__":{"admin":true},"id":"a"}');
    expect(draft({ data }).envelope.seal(1, 1).toString()).toContain('"__proto__":{"admin":true}');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

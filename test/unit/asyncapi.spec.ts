import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeGap } from '../../src/mqtt-sync/wire/decode-gap.js';
import { EntityPolicies } from '../../src/mqtt-sync/wire/entity-policies.js';
import { GAP_REASONS } from '../../src/mqtt-sync/wire/sequence-ranges.js';
import { Topics } from '../../src/mqtt-sync/wire/topics.js';
import { AsyncApi } from '../helpers/asyncapi.js';

const api = new AsyncApi();
const messages = Object.entries(api.document.components.messages);
const contract = readFileSync(fileURLToPath(new URL('../../docs/wire-contract.md', import.meta.url)), 'utf8');

describe('docs/asyncapi.yaml', () => {
  it('is a valid AsyncAPI 3 document', () => {
    expect(api.faults()).toEqual([]);
  });

  it.each(messages)('has examples of the message "%s" that fit its schema', (name, { examples }) => {
    const validate = api.validatorOf(name);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples)
      expect([example.name, validate(example.payload), validate.errors]).toEqual([example.name, true, null]);
  });

  it.each(messages)('does not take an empty document for a "%s"', (name) => {
    expect(api.validatorOf(name)({})).toBe(false);
  });

  it('has a channel for every topic of a vessel', () => {
    const topics = new Topics('vessel/sync', 'mv-aurora');
    const entities = [...new EntityPolicies().configured()].map(([entity]) => entity);
    for (const entity of [...entities, 'fuel_log']) expect(api.messagesOn(topics.ofEntity(entity))).toEqual(['change']);
    expect(api.messagesOn(topics.status)).toEqual(['status']);
    expect(api.messagesOn(topics.gap)).toEqual(['gap']);
    expect(api.messagesOn('vessel/sync/catchup/request')).toEqual(['catchupRequest']);
    expect(api.messagesOn('vessel/sync/catchup/work_orders')).toEqual(['replayedChange']);
  });
});

describe('docs/wire-contract.md', () => {
  const documents = [...contract.matchAll(/```json\n([\s\S]+?)```/g)].map(
    ([, json]) => JSON.parse(json!) as { type: string },
  );

  it.each(documents)('shows an envelope of type "$type" that fits its schema', (envelope) => {
    const fitting = messages.map(([name]) => api.validatorOf(name)).filter((validate) => validate(envelope));
    expect(fitting).toHaveLength(1);
  });

  it('shows the end of an answer where a receiver looks for it', () => {
    const ends = documents.map((document) => decodeGap(Buffer.from(JSON.stringify(document)))?.answered);
    expect(ends.filter((end) => end !== undefined)).toMatchObject([{ total: 15, upTo: 57, more: false }]);
  });

  it('explains every reason of a gap', () => {
    for (const reason of GAP_REASONS) expect(contract).toContain(`\`${reason}\`:`);
  });

  it('names every topic of the document', () => {
    for (const { address } of Object.values(api.document.channels)) {
      const shown = address.replace('{vesselId}', '<id>').replace('{entity}', '<entity type>');
      expect(contract).toContain(`\`${shown}\``);
    }
  });
});

import { expect, it } from 'vitest';
import type { IncomingOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { until } from '../helpers/wait.js';

/** Topics that a shore subscribes to, and those on which it asks after a gap is told. */
async function topicsOf(incoming: IncomingOptions) {
  const broker = await ScriptedBroker.start();
  const shore = await ShoreApplication.create({ brokerUrl: broker.url, incoming });
  shore.subscriber.subscribe('crew', () => {});
  await shore.receive();
  await until(() => shore.status.connected && shore.status.activeSubscriptions >= 3, { what: 'the subscriptions' });
  const gaps = shore.recorded('gap_detected');
  await shore.inbox.recordHandled(change(1));
  await shore.inbox.recordHandled(change(4));
  await until(() => gaps.length === 1, { what: 'the gap to be told' });
  // By hand it asks in any case; what would have been asked by itself is there before.
  await shore.catchUp.ask({ vesselId: 'mv-other', entity: 'crew' });
  const filters = broker.packets('subscribe').flatMap(({ subscriptions }) => subscriptions.map(({ topic }) => topic));
  const requests = broker.packets('publish').filter(({ topic }) => topic.endsWith('catchup/request'));
  const asked = requests.map(
    ({ payload }) => (JSON.parse(String(payload)) as { data: { vesselId: string } }).data.vesselId,
  );
  return { filters, asked };
}

function change(sequence: number) {
  const place = { vesselId: 'mv-aurora', epoch: 1, entity: 'crew', key: '1', sequence };
  return { ...place, messageId: `m${sequence}`, retained: false, replayed: false };
}

const STATUS = 'vessel/sync/system/status/+';

it('A receiver asks by itself, and listens for vessels that are back', async () => {
  const { filters, asked } = await topicsOf({ gapGraceS: 0 });
  expect(filters).toContain(STATUS);
  expect(asked).toEqual(['mv-aurora', 'mv-other']);
});

it.each<[string, IncomingOptions]>([
  ['where it shares the changes with other instances, which have the rest', { gapGraceS: 0, shareGroup: 'office' }],
  ['where that is turned off', { gapGraceS: 0, catchUp: 'manual' }],
])('A receiver does not ask by itself %s', async (_where, incoming) => {
  const { filters, asked } = await topicsOf(incoming);
  expect(filters).not.toContain(STATUS);
  expect(asked).toEqual(['mv-other']);
});

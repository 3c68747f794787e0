import { expect, it } from 'vitest';
import { ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { SmallInbox } from '../../../test/helpers/small-inbox.js';
import { until } from '../../../test/helpers/wait.js';
import { QueueUnavailableError } from '../errors.js';
import type { ParkedDraft } from './inbox/inbox.js';

/** Counts how often it was asked to park each message. */
class CountingInbox extends SmallInbox {
  readonly asked = new Map<string, number>();

  override park(draft: ParkedDraft): Promise<void> {
    const text = String(draft.payload);
    this.asked.set(text, (this.asked.get(text) ?? 0) + 1);
    return super.park(draft);
  }
}

it('what nobody can read is not read without bound while the inbox cannot take it', async () => {
  const store = new CountingInbox();
  store.failure = new QueueUnavailableError('no space left on device');
  const scene = await ReceiverScene.set({ protocol: '3.1.1', incoming: { maxBytes: 1024 }, store });
  scene.receiver.subscribe('work_orders', () => {});
  await scene.start();
  const payloads = Array.from({ length: 20 }, (_, n) => `{${'x'.repeat(300)}${n}`);
  payloads.forEach((payload, n) => scene.send(n + 1, payload));
  // The first is tried again long after all would have been read.
  await until(() => (store.asked.get(payloads[0]!) ?? 0) > 1, { what: 'another try' });
  expect(store.asked.size).toBeLessThan(5);
  store.failure = undefined;
  await until(() => scene.acknowledged.length === 20, { what: 'every acknowledgement' });
  expect(store.parkedMessages).toHaveLength(20);
});

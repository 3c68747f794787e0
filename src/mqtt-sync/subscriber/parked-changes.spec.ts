import { beforeEach, describe, expect, it } from 'vitest';
import { change, memoryInbox, openInbox, parkedDraft } from '../../../test/contract/inbox-harness.js';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { NotSubscribedError } from '../errors.js';
import type { IncomingMessage } from '../wire/decode-change.js';
import type { Inbox } from './inbox/inbox.js';
import { ParkedChanges } from './parked-changes.js';

describe('retrying a parked change', () => {
  it('that nobody handles any more fails and keeps it, until somebody does', async () => {
    const scene = await ReceiverScene.set({ incoming: { retryForMs: 0 } });
    const unsubscribe = scene.receiver.subscribe('work_orders', () => Promise.reject(new Error('down')));
    await scene.start();
    scene.send(1, envelope(1));
    await scene.hasAcknowledged(1);
    unsubscribe();
    const parked = new ParkedChanges(scene.inbox, scene.receiver);
    const { position } = scene.inbox.parkedMessages[0]!;
    const refusal = await parked.retry(position).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(NotSubscribedError);
    expect(refusal).toMatchObject({
      code: 'NOT_SUBSCRIBED',
      retryable: false,
      message: expect.stringContaining('"work_orders"') as string,
    });
    expect(parked.find(position)).toBeDefined();
    const handled: unknown[] = [];
    scene.receiver.subscribe('+', ({ messageId }) => void handled.push(messageId));
    expect(await parked.retry(position)).toBe(true);
    expect([handled, scene.inbox.parkedMessages]).toEqual([['m1'], []]);
  });
});

describe('parked changes', () => {
  let inbox: Inbox;
  let parked: ParkedChanges;
  let again: IncomingMessage[];
  let handler: () => Promise<void>;

  beforeEach(async () => {
    ({ inbox } = await openInbox(memoryInbox));
    again = [];
    handler = () => Promise.resolve();
    parked = new ParkedChanges(inbox, { handleAgain: (message) => (again.push(message), handler()) });
    await inbox.park(parkedDraft(change(1), '{"data":{"id":"C-1"}}'));
    await inbox.park(parkedDraft(undefined, '{'));
    await inbox.park(parkedDraft(change(3)));
  });

  it('are listed, oldest first, also behind one of them', () => {
    expect([...parked.list()].map(({ position }) => position)).toEqual([1, 2, 3]);
    expect([...parked.list(2)].map(({ position }) => position)).toEqual([3]);
    expect(parked.count).toBe(3);
  });

  it('are handed to the handlers again, and forgotten when they succeed', async () => {
    expect(await parked.retry(1)).toBe(true);
    expect(again).toMatchObject([{ topic: 'vessel/sync/crew', qos: 1, retained: false }]);
    expect(parked.count).toBe(2);
    // It stays known: the broker may still have a copy.
    expect(inbox.isKnown(change(1))).toBe(true);
    expect(await parked.retry(1)).toBe(false);
  });

  it('are kept where the handlers fail again', async () => {
    handler = () => Promise.reject(new Error('still closed'));
    await expect(parked.retry(1)).rejects.toThrow('still closed');
    expect(parked.count).toBe(3);
  });

  it('are handled once when they are asked for twice at the same time', async () => {
    let finish = () => {};
    handler = () => new Promise((resolve) => (finish = resolve));
    const both = [parked.retry(1), parked.retry(1)];
    finish();
    expect(await Promise.all(both)).toEqual([true, true]);
    expect(again).toHaveLength(1);
  });

  it('are discarded for good, and count as handled', async () => {
    expect(await parked.discard(3)).toBe(true);
    expect(await parked.discard(3)).toBe(false);
    expect(inbox.isKnown(change(3))).toBe(true);
  });
});

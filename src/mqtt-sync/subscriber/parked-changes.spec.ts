import { describe, expect, it } from 'vitest';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { NotSubscribedError } from '../errors.js';
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

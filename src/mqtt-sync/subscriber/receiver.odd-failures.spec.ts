import { describe, expect, it } from 'vitest';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { WORDLESS } from '../../../test/helpers/wordless.js';

describe('a handler that throws what has no text', () => {
  it.each(WORDLESS)('($what) has its change parked, and the next one of the key handled', async ({ thrown }) => {
    const handled: unknown[] = [];
    const scene = await ReceiverScene.set({ incoming: { retryForMs: 0 } });
    scene.receiver.subscribe('work_orders', ({ sequence }) => {
      if (sequence === 1) throw thrown;
      handled.push(sequence);
    });
    await scene.start();
    scene.send(1, envelope(1));
    scene.send(2, envelope(2));
    await scene.hasAcknowledged(1, 2);
    expect(handled).toEqual([2]);
    expect(scene.inbox.parkedMessages).toMatchObject([
      { reason: 'handler_failed', error: expect.stringMatching(/./) as string },
    ]);
  });
});

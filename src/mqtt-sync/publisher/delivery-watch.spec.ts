import { describe, expect, it } from 'vitest';
import {
  DeliveryAbortedError,
  DeliveryTimeoutError,
  MessageDeadLetteredError,
  MessageDroppedError,
  StoppingError,
} from '../errors.js';
import type { MessageFate } from '../queue/sync-queue.js';
import { FakeClock } from '../time/fake-clock.js';
import { DeliveryWatch } from './delivery-watch.js';

const message = { messageId: 'm1', sequence: 1, entity: 'alerts', position: 1, repeated: false };

function watched(fate: MessageFate = 'waiting') {
  const clock = new FakeClock();
  const state = { fate };
  return { clock, state, watch: new DeliveryWatch({ fateOf: () => state.fate }, clock) };
}

describe('DeliveryWatch', () => {
  it('resolves when the message leaves, for everyone who waits', async () => {
    const { watch, state } = watched();
    const waits = Promise.all([watch.delivered(message), watch.delivered(message)]);
    state.fate = 'left';
    watch.left(1);
    await expect(waits).resolves.toBeDefined();
  });

  it('resolves at once when the message has left already', async () => {
    await expect(watched('left').watch.delivered(message)).resolves.toBeUndefined();
  });

  it.each([
    ['dropped', MessageDroppedError],
    ['dead_lettered', MessageDeadLetteredError],
  ] as const)('rejects when the message is %s, before or after the call', async (fate, type) => {
    await expect(watched(fate).watch.delivered(message)).rejects.toThrow(type);
    const { watch, state } = watched();
    const wait = watch.delivered(message);
    state.fate = fate;
    watch.left(1);
    await expect(wait).rejects.toThrow(type);
  });

  it('goes on waiting when nobody can tell yet what became of a message that left', async () => {
    const { watch, state } = watched();
    const wait = watch.delivered(message);
    watch.left(1);
    state.fate = 'dead_lettered';
    watch.recheck();
    await expect(wait).rejects.toThrow(MessageDeadLetteredError);
  });

  it('looks again at the messages of one entity type only, when asked for that', async () => {
    const { watch, state } = watched();
    const waits = [watch.delivered(message), watch.delivered({ ...message, entity: 'crew', position: 2 })];
    state.fate = 'left';
    watch.recheck('crew');
    await waits[1];
    state.fate = 'dropped';
    watch.recheck('alerts');
    await expect(waits[0]).rejects.toThrow(MessageDroppedError);
  });

  it('gives up after the time allowed and keeps no timer', async () => {
    const { watch, clock } = watched();
    const wait = watch.delivered(message, { timeoutMs: 100 });
    clock.advance(100);
    await expect(wait).rejects.toThrow(DeliveryTimeoutError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('gives up when the caller aborts', async () => {
    const { watch } = watched();
    const abort = new AbortController();
    const wait = watch.delivered(message, { signal: abort.signal });
    abort.abort();
    await expect(wait).rejects.toThrow(DeliveryAbortedError);
    await expect(watch.delivered(message, { signal: abort.signal })).rejects.toThrow(DeliveryAbortedError);
  });

  it('tells everyone who waits when the process stops, and who comes later', async () => {
    const { watch } = watched();
    const wait = watch.delivered(message);
    watch.stop();
    await expect(wait).rejects.toThrow(StoppingError);
    await expect(watch.delivered(message)).rejects.toThrow(StoppingError);
  });
});

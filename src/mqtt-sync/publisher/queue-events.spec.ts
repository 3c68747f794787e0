import { describe, expect, it } from 'vitest';
import { queuedMessage } from '../../../test/helpers/messages.js';
import { silentLogger } from '../logger.js';
import type { MessageFate, SyncQueue } from '../queue/sync-queue.js';
import { SyncEvents } from '../sync-events.js';
import { FakeClock } from '../time/fake-clock.js';
import { DeliveryWatch } from './delivery-watch.js';
import { FlushWatch } from './flush-watch.js';
import { QueueEvents } from './queue-events.js';

describe('QueueEvents', () => {
  it('tells of a dead letter that comes back, and does not take it for a part of the flush', () => {
    const clock = new FakeClock();
    const events = new SyncEvents(silentLogger);
    const flush = new FlushWatch(clock, events, silentLogger);
    const watch = new DeliveryWatch({} as SyncQueue, clock);
    const told: string[] = [];
    events.on('message_retried', ({ messageId }) => told.push(messageId));
    events.on('queue_flushed', ({ messages }) => told.push(`flushed ${messages}`));
    const observer = new QueueEvents(events, flush, watch, clock, silentLogger);
    flush.begin(2);
    observer.left(1, 1);
    observer.retried(queuedMessage({ position: 9, messageId: 'again' }));
    observer.left(9, 3);
    expect(told).toEqual(['again']);
    observer.left(2, 2);
    expect(told).toEqual(['again', 'flushed 2']);
  });

  it('tells whoever waits for a message of its acceptance, also when it was retried under another position', async () => {
    const clock = new FakeClock();
    const events = new SyncEvents(silentLogger);
    const fate = { now: 'waiting' as MessageFate };
    const watch = new DeliveryWatch({ fateOf: () => fate.now }, clock);
    const observer = new QueueEvents(events, new FlushWatch(clock, events, silentLogger), watch, clock, silentLogger);
    const accepted = { messageId: 'm', sequence: 1, entity: 'crew', position: 3, repeated: false };
    const delivered = watch.delivered(accepted);
    fate.now = 'left';
    observer.left(9, 3);
    await expect(delivered).resolves.toBeUndefined();
  });

  it('tells how many messages of an entity type a damaged store has lost', () => {
    const clock = new FakeClock();
    const events = new SyncEvents(silentLogger);
    const told: unknown[] = [];
    events.on('messages_missing', (event) => told.push(event));
    const flush = new FlushWatch(clock, events, silentLogger);
    const watch = new DeliveryWatch({} as SyncQueue, clock);
    new QueueEvents(events, flush, watch, clock, silentLogger).missing('crew', 12);
    expect(told).toEqual([{ entity: 'crew', count: 12 }]);
  });

  it('tells what was purged by hand, and does not call the queue full', () => {
    const clock = new FakeClock();
    const events = new SyncEvents(silentLogger);
    const told: string[] = [];
    const warnings: string[] = [];
    events.on('message_dropped', ({ reason }) => told.push(reason));
    const logger = { ...silentLogger, warn: (text: string) => void warnings.push(text) };
    const flush = new FlushWatch(clock, events, silentLogger);
    const observer = new QueueEvents(events, flush, new DeliveryWatch({} as SyncQueue, clock), clock, logger);
    observer.dropped(queuedMessage({ position: 1 }), 'purged');
    expect(warnings).toEqual([]);
    observer.dropped(queuedMessage({ position: 2 }), 'queue_full');
    expect(told).toEqual(['purged', 'queue_full']);
    expect(warnings).toEqual([expect.stringMatching(/queue is full: 1 message/)]);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { ChangeInvalidError, QueueFullError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { AcceptedMessage, MessageDraft } from '../queue/message.js';
import type { SyncQueue } from '../queue/sync-queue.js';
import { SyncEvents, type SyncEventMap } from '../sync-events.js';
import { FakeClock } from '../time/fake-clock.js';
import type { Change } from './change.js';
import { DeliveryWatch } from './delivery-watch.js';
import { SyncPublisher } from './sync-publisher.service.js';

type Accept = (drafts: readonly MessageDraft[]) => Promise<readonly AcceptedMessage[]>;

const acceptAll: Accept = (drafts) =>
  Promise.resolve(
    drafts.map(({ messageId, entity }, index) => ({
      ...{ messageId, entity, sequence: index + 1, position: index + 1, repeated: false },
    })),
  );

function start({ accept = acceptAll, localMode = true } = {}) {
  const asked = vi.fn(accept);
  const identity = { vesselId: 'mv-aurora', epoch: 1 };
  const queue = { identity, durable: true, accept: asked, fateOf: () => 'left' } as unknown as SyncQueue;
  const clock = new FakeClock();
  const events = new SyncEvents(silentLogger);
  const failures: SyncEventMap['publish_failed'][] = [];
  events.on('publish_failed', (event) => failures.push(event));
  const options = { localMode, topicPrefix: 'vessel/sync', maxMessageBytes: 1024, entities: {}, vesselId: 'mv-aurora' };
  const watch = new DeliveryWatch(queue, clock);
  const parts = { queue, watch, events, clock, isConnected: () => true, accepted: () => {} };
  return { publisher: new SyncPublisher(options, parts), failures, asked };
}

/** What cannot be read, as an object of a lazy ORM may be. */
function unreadable(name: string): object {
  return Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('gone');
    },
  });
}

/** The promise that a call gives; a call that throws at once fails the test. */
async function rejection(call: () => Promise<unknown>): Promise<unknown> {
  const promise = call();
  return promise.then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  );
}

describe('SyncPublisher', () => {
  it('rejects, and never throws, whatever it is given, and counts it', async () => {
    const { publisher, failures, asked } = start();
    const many = (changes: unknown) => publisher.publishMany(changes as Change[]);
    const calls: readonly (() => Promise<unknown>)[] = [
      () => publisher.publish('work_orders', 'update', { id: 1 }, unreadable('qos')),
      () => publisher.publish('work_orders', 'update', unreadable('id')),
      () => publisher.publish(unreadable('length') as never, 'update', {}),
      () => many([unreadable('entity')]),
      () => many([null]),
      () => many('none'),
      () => many(undefined),
    ];
    for (const call of calls) expect(await rejection(call)).toBeInstanceOf(Error);
    expect(failures).toHaveLength(calls.length);
    expect(asked).not.toHaveBeenCalled();
  });

  it('refuses options that nobody would look at: an order by key would be lost without a word', async () => {
    const { publisher, failures, asked } = start();
    for (const options of [{ keyy: '7' }, { key: '7', colour: 'blue' }, '7', 7]) {
      const error = await rejection(() => publisher.publish('crew', 'update', { id: 1 }, options as never));
      expect(error).toBeInstanceOf(ChangeInvalidError);
    }
    const many = [{ entity: 'crew', operation: 'update', data: {}, keyy: '7' } as Change];
    expect(await rejection(() => publisher.publishMany(many))).toMatchObject({ code: 'CHANGE_INVALID', index: 0 });
    expect(failures).toHaveLength(5);
    expect(asked).not.toHaveBeenCalled();
  });

  it('takes null for no options', async () => {
    const { publisher } = start();
    const receipt = await publisher.publish('work_orders', 'update', { id: 1 }, null as never);
    expect(receipt).toMatchObject({ sequence: 1, durable: true, skipped: false });
  });

  it('says which change of a batch was wrong, and stores none', async () => {
    const { publisher, failures, asked } = start();
    const change = { entity: 'work_orders', operation: 'update', data: {} } as const;
    const error = await rejection(() => publisher.publishMany([change, { ...change, operation: 'explode' as never }]));
    expect(error).toBeInstanceOf(ChangeInvalidError);
    expect(error).toMatchObject({ index: 1 });
    expect(failures).toEqual([{ cause: 'rejected', entity: 'work_orders', code: 'CHANGE_INVALID' }]);
    expect(asked).not.toHaveBeenCalled();
  });

  it.each<[string, Accept]>([
    ['refuses', () => Promise.reject(new QueueFullError('full', {}))],
    [
      'throws',
      () => {
        throw new QueueFullError('full', {});
      },
    ],
  ])('rejects with what a queue says that %s, and counts it once', async (_, accept) => {
    const { publisher, failures } = start({ accept });
    const error = await rejection(() => publisher.publish('work_orders', 'update', {}));
    expect(error).toBeInstanceOf(QueueFullError);
    expect(failures).toEqual([{ cause: 'rejected', entity: 'work_orders', code: 'QUEUE_FULL' }]);
  });

  it('takes no change for skipped, and so for done, that the queue did not answer', async () => {
    const { publisher } = start({ accept: (drafts) => acceptAll(drafts.slice(1)) });
    expect(await rejection(() => publisher.publish('work_orders', 'update', {}))).toBeInstanceOf(Error);
  });

  it('stores nothing while sync is off, and says so in every receipt', async () => {
    const { publisher, asked } = start({ localMode: false });
    expect(await publisher.publishMany([])).toEqual([]);
    const receipt = await publisher.publish('work_orders', 'update', { id: 1 }, { messageId: 'one' });
    expect(receipt).toMatchObject({ messageId: 'one', skipped: true, durable: false });
    await receipt.delivered();
    expect(asked).not.toHaveBeenCalled();
  });
});

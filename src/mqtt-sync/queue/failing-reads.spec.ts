import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { draft, type FailingStore, openFailing, type TestQueue, turns } from '../../../test/contract/failing-store.js';
import { QueueUnavailableError } from '../errors.js';
import type { FakeClock } from '../time/fake-clock.js';

/** More than a queue holds in memory. */
const MANY = 6000;
const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

/** Takes all of an entity type that is in memory: who wants more of it reads the store. */
function takeWhatIsInMemory(queue: TestQueue, store: FailingStore, entity: string): void {
  const take = () => queue.take('normal', (type) => type === entity);
  const read = vi.spyOn(store, 'read');
  while (read.mock.results.length === 0) take();
  const found = read.mock.results[0]!.value as readonly unknown[];
  for (let left = found.length - 1; left > 0; left--) take();
  expect(read).toHaveBeenCalledTimes(1);
  read.mockRestore();
}

/** A full queue with a dead letter, two alerts in memory, and much of the crew that has to be read. */
async function opened() {
  const { queue, store, clock } = await openFailing({ maxMessages: MANY });
  onTestFinished(() => queue.close());
  const [dead] = await queue.accept([draft('alerts', 'dead')]);
  queue.setAside(
    queue.take('normal', () => true)!,
    REFUSED,
  );
  await queue.accept([draft('alerts', 'first'), draft('alerts', 'second')]);
  await queue.accept(Array.from({ length: MANY - 2 }, () => draft('crew')));
  takeWhatIsInMemory(queue, store, 'crew');
  return { queue, store, clock, deadAt: dead!.position };
}

async function recover(store: FailingStore, clock: FakeClock): Promise<void> {
  store.readFails = false;
  clock.advance(5000);
  await turns();
}

describe('What is asked for while the store cannot be read', () => {
  it.each([
    ['a change', (queue: TestQueue) => queue.accept([draft('alerts', 'mine')])],
    ['a dead letter that is retried', (queue: TestQueue, deadAt: number) => queue.retryDeadLetter(deadAt)],
    ['a purge', (queue: TestQueue) => queue.purge()],
  ])('is refused, and nothing of it is stored (%s)', async (_, ask) => {
    const { queue, store, clock, deadAt } = await opened();
    store.readFails = true;
    await expect(ask(queue, deadAt)).rejects.toThrow(QueueUnavailableError);
    await recover(store, clock);
    expect(queue.stats()).toMatchObject({ available: true, messages: MANY, deadLetters: 1, untoldGaps: 0 });
    const alerts = [...queue.messages({ entity: 'alerts' })];
    expect(alerts.map(({ messageId, sequence }) => [messageId, sequence])).toEqual([
      ['first', 2],
      ['second', 3],
    ]);
    await expect(queue.accept([draft('alerts', 'mine')])).resolves.toMatchObject([{ sequence: 4 }]);
  });
});

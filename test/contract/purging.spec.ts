import { describe, expect, it } from 'vitest';
import { draft, inMemory, onDisk, takeAll, temporaryFolder, VESSEL, watch } from './queue-harness.js';

/** More than one commit drops. */
const MANY = 6000;
const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

describe.each([
  { name: 'DiskQueue', make: () => onDisk(temporaryFolder()) },
  { name: 'MemoryQueue', make: () => inMemory },
])('Purging a $name', ({ make }) => {
  async function opened(maxMessages: number) {
    const { queue } = watch(make(), { maxMessages, maxBytes: 100_000_000, maxDeadLetters: MANY });
    await queue.open(VESSEL);
    const fill = (entity: string, count: number) => queue.accept(Array.from({ length: count }, () => draft(entity)));
    return { queue, fill };
  }

  it('drops all of it while another purge takes up the commit', async () => {
    const { queue, fill } = await opened(3 * MANY);
    await fill('crew', MANY);
    await fill('alerts', MANY);
    const purged = await Promise.all([queue.purge({ entity: 'crew' }), queue.purge({ entity: 'alerts' })]);
    expect([...purged, queue.stats().messages]).toEqual([MANY, MANY, 0]);
  });

  it('drops all of it while dead letters that are retried drop as many as a commit may', async () => {
    const { queue, fill } = await opened(MANY);
    // More than a commit drops, and fewer than there are to purge.
    await fill('crew', 4500);
    const dead = takeAll(queue);
    for (const message of dead) queue.setAside(message, REFUSED);
    await queue.settled();
    await fill('alerts', MANY);
    const retrying = dead.map(({ position }) => queue.retryDeadLetter(position));
    const purging = queue.purge({ entity: 'alerts' });
    expect(new Set(await Promise.all(retrying))).toEqual(new Set([true]));
    await purging;
    expect([...queue.messages()].filter(({ entity }) => entity === 'alerts')).toEqual([]);
  });
});

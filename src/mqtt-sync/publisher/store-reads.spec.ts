import { describe, expect, it } from 'vitest';
import { TestQueue } from '../../../test/contract/failing-store.js';
import { draft, idsOf, take, takeAll, temporaryFolder, VESSEL, watch } from '../../../test/contract/queue-harness.js';
import { dispatcherOn } from '../../../test/helpers/dispatcher-scene.js';
import { silentLogger } from '../logger.js';
import { LmdbMessageStore } from '../queue/lmdb/lmdb-message-store.js';
import type { MessageKey, StoreCommit, StoredDeadLetter, StoredRecord } from '../queue/message-store.js';
import type { AcceptedMessage, QueuedMessage } from '../queue/message.js';
import { FakeClock } from '../time/fake-clock.js';

/** Where the messages that wait come from: this process, or an earlier one. */
type Source = 'accepted just now' | 'found at the start';

/** What was asked of a store. */
interface Cost {
  readonly reads: number;
  readonly recordsRead: number;
  readonly commits: number;
  /** Messages, removals and entity types in them. */
  readonly recordsWritten: number;
}

const NOTHING: Cost = { reads: 0, recordsRead: 0, commits: 0, recordsWritten: 0 };
/** A read brings so many records at most, and the last read may bring more than is needed. */
const BATCH = 256;

/** The store on disk, counting what is asked of it. */
class CountingStore extends LmdbMessageStore {
  cost = NOTHING;

  constructor(dir: string, clock: FakeClock) {
    super(dir, { maxAgeS: 0, maxBytes: 0 }, clock, silentLogger);
  }

  override commit(commit: StoreCommit): Promise<void> {
    const { messages, removed, types } = commit;
    this.add({ commits: 1, recordsWritten: messages.length + removed.length + types.length });
    return super.commit(commit);
  }

  override read(...args: Parameters<LmdbMessageStore['read']>): StoredRecord[] {
    const records = super.read(...args);
    this.add({ reads: 1, recordsRead: records.length });
    return records;
  }

  override has(key: MessageKey): boolean {
    this.add({ reads: 1, recordsRead: 1 });
    return super.has(key);
  }

  override keysAfter(type: number, after: number, limit: number): MessageKey[] {
    const keys = super.keysAfter(type, after, limit);
    this.add({ reads: 1, recordsRead: keys.length });
    return keys;
  }

  override acceptedUnder(messageId: string): AcceptedMessage | undefined {
    this.add({ reads: 1, recordsRead: 1 });
    return super.acceptedUnder(messageId);
  }

  override deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    const letters = super.deadLettersAfter(after, limit);
    this.add({ reads: 1, recordsRead: letters.length });
    return letters;
  }

  override deadLetterAt(position: number): StoredDeadLetter | undefined {
    this.add({ reads: 1, recordsRead: 1 });
    return super.deadLetterAt(position);
  }

  private add(more: Partial<Cost>): void {
    const { reads = 0, recordsRead = 0, commits = 0, recordsWritten = 0 } = more;
    this.cost = {
      reads: this.cost.reads + reads,
      recordsRead: this.cost.recordsRead + recordsRead,
      commits: this.cost.commits + commits,
      recordsWritten: this.cost.recordsWritten + recordsWritten,
    };
  }
}

async function open(dir = temporaryFolder()) {
  const clock = new FakeClock();
  const store = new CountingStore(dir, clock);
  const limits = { maxMessages: 10_000, maxBytes: 1e9 };
  const { queue } = watch((all, ...parts) => new TestQueue(store, all, ...parts), limits, clock);
  await queue.open(VESSEL);
  return { store, queue, clock };
}

const drafts = (count: number, entity = 'work_orders') => Array.from({ length: count }, () => draft(entity));

/** A queue in which so many messages of one entity type wait, accepted just now or by an earlier process. */
async function waiting(count: number, source: Source) {
  const dir = temporaryFolder();
  const first = await open(dir);
  await first.queue.accept(drafts(count));
  if (source === 'found at the start') await first.queue.close();
  const opened = source === 'found at the start' ? await open(dir) : first;
  opened.store.cost = NOTHING;
  return opened;
}

/** What it costs to send 50 of so many messages that wait, to have them acknowledged and to remove them. */
async function costOf50(count: number, source: Source): Promise<Cost> {
  const opened = await waiting(count, source);
  const { store, queue } = opened;
  const { dispatcher, connect } = dispatcherOn(opened, 50);
  const link = await connect();
  expect(link.published).toHaveLength(50);
  dispatcher.hold();
  for (const { packetId } of link.published) link.acknowledge('puback', packetId);
  await queue.settled();
  const { cost } = store;
  expect(queue.stats().messages).toBe(count - 50);
  return cost;
}

describe('What the way of a message asks of the store', () => {
  it('reads nothing back that was accepted just now, however much of it waits for a while', async () => {
    const { store, queue } = await open();
    const accepted: string[] = [];
    const sent: string[] = [];
    const deliver = async (messages: readonly QueuedMessage[]) => {
      sent.push(...idsOf(messages));
      queue.remove(messages);
      await queue.settled();
    };
    // In all more than may be in memory at a time: what left makes room again.
    for (let times = 0; times < 5; times++) {
      for (const count of [1, 1000, 100, 100]) {
        accepted.push(...idsOf(await queue.accept(drafts(count))));
        await deliver(Array.from({ length: Math.min(count, 150) }, () => take(queue)));
      }
      await deliver(takeAll(queue));
    }
    expect(queue.stats().messages).toBe(0);
    expect(sent).toEqual(accepted);
    expect(store.cost.reads).toBe(0);
  });

  it.each<Source>(['accepted just now', 'found at the start'])(
    'costs as much with 5,000 messages of one entity type that wait as with 50: %s',
    async (source) => {
      const few = await costOf50(50, source);
      const many = await costOf50(5000, source);
      expect(many).toEqual({ ...few, recordsRead: many.recordsRead });
      // All removals go together, and with them the entity type.
      expect(few).toMatchObject({ commits: 1, recordsWritten: 51 });
      if (source === 'accepted just now') {
        expect([few.reads, few.recordsRead, many.recordsRead]).toEqual([0, 0, 0]);
        return;
      }
      expect(few.reads).toBeLessThanOrEqual(5);
      expect(few.recordsRead).toBe(50);
      expect(many.recordsRead).toBeLessThan(50 + BATCH);
    },
  );

  it.each([50, 5000])('tells how much waits without reading it: %i messages', async (count) => {
    const { store, queue } = await waiting(count, 'accepted just now');
    expect(queue.stats()).toMatchObject({ messages: count, lanes: { normal: { messages: count } } });
    expect(store.cost).toEqual(NOTHING);
  });

  it.each([50, 5000])(
    'reads a little to tell the age of what it found at the start, once: %i messages',
    async (count) => {
      const { store, queue } = await waiting(count, 'found at the start');
      for (let times = 0; times < 3; times++) {
        expect(queue.stats()).toMatchObject({ messages: count, oldestAcceptedAtMs: 1000 });
        expect(store.cost.reads).toBe(1);
        expect(store.cost.recordsRead).toBeLessThanOrEqual(16);
      }
    },
  );
});

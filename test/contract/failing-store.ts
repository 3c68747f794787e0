import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { InMemoryMessageStore } from '../../src/mqtt-sync/queue/in-memory-message-store.js';
import type {
  MessageKey,
  StoreCommit,
  StoredDeadLetter,
  StoredRecord,
} from '../../src/mqtt-sync/queue/message-store.js';
import type { MessageDraft } from '../../src/mqtt-sync/queue/message.js';
import type { QueueLimits } from '../../src/mqtt-sync/queue/room-maker.js';
import { StoredQueue } from '../../src/mqtt-sync/queue/stored-queue.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { DraftEnvelope } from '../../src/mqtt-sync/wire/envelope.js';

/** A store whose commits, reads and reserve can be made to fail, and to wait. */
export class FailingStore extends InMemoryMessageStore {
  commitFails = false;
  readFails = false;
  /** As after a damage: what should be there is not found. */
  readIsEmpty = false;
  lettersFail = false;
  /** A disk so full that there is no room for the reserve either. */
  reserveFails = false;
  reserveReleased = false;
  readonly commits: StoreCommit[] = [];
  gate: Promise<void> | undefined;
  reserveGate: Promise<void> | undefined;
  /** The most commits there were at one time. */
  mostAtOnce = 0;
  private atOnce = 0;

  override async commit(commit: StoreCommit): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      await this.gate;
      if (this.commitFails && !this.reserveReleased) throw new Error('no space left');
      this.commits.push(commit);
      await super.commit(commit);
    } finally {
      this.atOnce--;
    }
  }

  override read(...args: Parameters<InMemoryMessageStore['read']>): StoredRecord[] {
    if (this.readFails) throw new Error('unreadable');
    return this.readIsEmpty ? [] : super.read(...args);
  }

  override has(key: MessageKey): boolean {
    if (this.readFails) throw new Error('unreadable');
    return super.has(key);
  }

  override deadLetterAt(position: number): StoredDeadLetter | undefined {
    if (this.lettersFail) throw new Error('unreadable');
    return super.deadLetterAt(position);
  }

  override async ensureReserve(): Promise<void> {
    await this.reserveGate;
    if (this.reserveFails) throw new Error('the disk is full');
    this.reserveReleased = false;
  }

  override releaseReserve(): Promise<void> {
    this.reserveReleased = true;
    return Promise.resolve();
  }
}

export class TestQueue extends StoredQueue {}

/** An open queue on a store that can fail. */
export async function openFailing(
  limits: Partial<QueueLimits> = {},
): Promise<{ readonly store: FailingStore; readonly clock: FakeClock; readonly queue: TestQueue }> {
  const store = new FailingStore();
  const clock = new FakeClock();
  const all = { maxMessages: 1000, maxBytes: 1e9, overflowPolicy: 'drop-oldest' as const, maxDeadLetters: 10 };
  const queue = new TestQueue(store, { ...all, ...limits }, clock, silentLogger);
  await queue.open({ vesselId: 'v', isExplicit: true });
  return { store, clock, queue };
}

/** A gate to hold up a store with, and how to open it. */
export function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}

export async function turns(count = 6): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function draft(entity: string, messageId = 'm'): MessageDraft {
  const operation = 'update' as const;
  const known = { entity, operation, key: 'k', messageId };
  const envelope = new DraftEnvelope({ ...known, vesselId: 'v', timestamp: 't', dataJson: '1' });
  return {
    ...{ ...known, envelope, topic: 't', qos: 1, retain: true, acceptedAtMs: 0, lane: 'normal', idIsGiven: false },
  };
}

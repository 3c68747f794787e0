import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import type { MessageKey, StoreContents, StoredDeadLetter } from '../../src/mqtt-sync/queue/message-store.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { damageLetter, lettersOf, tamper } from './damage.js';
import { FailingStore, TestQueue, turns } from './failing-store.js';
import {
  draft,
  LIMITS,
  openOnDisk,
  RecordingLogger,
  RecordingObserver,
  take,
  takeAll,
  temporaryFolder,
  VESSEL,
} from './queue-harness.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 1 };

/** A folder with so many dead letters; their positions. */
async function withLetters(count: number) {
  const dir = temporaryFolder();
  const { queue } = await openOnDisk(dir);
  const accepted = await queue.accept(Array.from({ length: count }, () => draft('crew')));
  for (const message of takeAll(queue)) queue.setAside(message, REFUSED);
  await queue.close();
  return { dir, positions: accepted.map(({ position }) => position) };
}

describe('A dead letter whose record got damaged after it was set aside', () => {
  it('becomes a gap when it is discarded', async () => {
    const { dir, positions } = await withLetters(1);
    await damageLetter(dir, [positions[0]!, 0, 1]);
    const { queue } = await openOnDisk(dir);
    expect([...queue.deadLetters()]).toMatchObject([{ reason: 'corrupt', sequence: 1, message: undefined }]);
    expect(queue.gaps().size).toBe(0);
    expect(await queue.discardDeadLetter(positions[0]!)).toBe(true);
    expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 1, reason: 'discarded' }]);
  });

  it('becomes a gap when there are too many', async () => {
    const { dir, positions } = await withLetters(2);
    await damageLetter(dir, [positions[0]!, 0, 1]);
    const { queue, observer } = await openOnDisk(dir, { maxDeadLetters: 1 });
    await queue.settled();
    expect(observer.discards).toEqual([[1, 'too_many']]);
    expect(queue.gaps().get('crew')).toEqual([{ from: 1, to: 1, reason: 'discarded' }]);
  });

  it('is noticed when another letter, or something else, lies under its key', async () => {
    const { dir, positions } = await withLetters(3);
    const [first, second, third] = positions as [number, number, number];
    await tamper(dir, (root) => {
      const letters = lettersOf(root);
      letters.putSync([first, 0, 1], letters.get([third, 0, 3])!);
      letters.putSync([second, 0, 2], root.openDB<Buffer, string>({ name: 'types', encoding: 'binary' }).get('crew')!);
    });
    const { queue } = await openOnDisk(dir);
    const found = [...queue.deadLetters()].map(({ sequence, reason, entity }) => [sequence, reason, entity]);
    expect(found).toEqual([
      [1, 'corrupt', 'crew'],
      [2, 'corrupt', 'crew'],
      [3, 'refused', 'crew'],
    ]);
    expect(await queue.retryDeadLetter(first)).toBe(false);
  });
});

/** A store that says it holds more dead letters than there are, and may lose what it holds. */
class MiscountingStore extends FailingStore {
  saysThereAre = 0;
  hasLostLetters = false;
  looks = 0;

  override async open(): Promise<StoreContents> {
    return { ...(await super.open()), deadLetters: this.saysThereAre };
  }

  override deadLettersAfter(after: number, limit: number): StoredDeadLetter[] {
    this.looks++;
    return this.hasLostLetters ? [] : super.deadLettersAfter(after, limit);
  }

  override deadLetterKeysAfter(after: number, limit: number): MessageKey[] {
    return super.deadLettersAfter(after, limit).map(({ key }) => key);
  }
}

async function openOn(store: FailingStore, maxDeadLetters: number) {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  const observer = new RecordingObserver();
  const queue = new TestQueue(store, { ...LIMITS, maxDeadLetters }, clock, logger);
  queue.observe(observer);
  await queue.open(VESSEL);
  onTestFinished(() => queue.close());
  const setAside = async (count: number) => {
    await queue.accept(Array.from({ length: count }, () => draft('crew')));
    for (const message of takeAll(queue)) queue.setAside(message, REFUSED);
    await turns();
  };
  return { queue, clock, logger, observer, setAside };
}

describe('A store that does not hold as many dead letters as it says', () => {
  it('has them counted at the start, so that none goes for those that are not there', async () => {
    const store = new MiscountingStore();
    const before = new TestQueue(store, { ...LIMITS, maxDeadLetters: 500 }, new FakeClock(), silentLogger);
    await before.open(VESSEL);
    await before.accept(Array.from({ length: 300 }, () => draft('crew')));
    for (const message of takeAll(before)) before.setAside(message, REFUSED);
    await before.close();
    store.saysThereAre = 10_000;
    const { queue, logger, observer } = await openOn(store, 500);
    await turns();
    expect(queue.stats().deadLetters).toBe(300);
    expect(observer.discards).toEqual([]);
    expect(logger.warnings).toEqual([expect.stringContaining('says it holds 10000 dead letter(s), but there are 300')]);
  });

  it('is not asked again and again for those that it has lost', async () => {
    const store = new MiscountingStore();
    const { queue, setAside } = await openOn(store, 2);
    await setAside(2);
    store.hasLostLetters = true;
    await setAside(1);
    expect(queue.stats().deadLetters).toBe(1);
    const { looks } = store;
    await turns(50);
    expect(store.looks).toBe(looks);
  });
});

describe('Dead letters that are too many', () => {
  it('are said to be discarded when they are, and not by every try of a disk that fails', async () => {
    const store = new FailingStore();
    const { queue, logger, observer, clock, setAside } = await openOn(store, 1);
    await setAside(1);
    await queue.accept([draft('crew')]);
    store.commitFails = true;
    queue.setAside(take(queue), REFUSED);
    await turns();
    for (let round = 0; round < 20; round++) {
      clock.advance(5000);
      await turns();
    }
    expect([observer.discards, logger.warnings]).toEqual([[], []]);
    store.commitFails = false;
    clock.advance(5000);
    await turns();
    expect(observer.discards).toEqual([[1, 'too_many']]);
    expect(logger.warnings).toEqual([expect.stringContaining('maxDeadLetters (1): the oldest 1 were discarded')]);
  });
});

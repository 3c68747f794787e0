import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { QueueLockedError, QueueUnavailableError } from '../../src/mqtt-sync/errors.js';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { InMemoryInboxStore } from '../../src/mqtt-sync/subscriber/inbox/in-memory-inbox-store.js';
import type { InboxCommit } from '../../src/mqtt-sync/subscriber/inbox/inbox-store.js';
import { StoredInbox } from '../../src/mqtt-sync/subscriber/inbox/stored-inbox.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { until } from '../helpers/wait.js';
import { buildChild, ended, startChild } from './child-process.js';
import { change, CREW, INBOX_LIMITS, inboxOnDisk, lossOf, openInbox, parkedDraft, recordAll } from './inbox-harness.js';
import { temporaryFolder } from './queue-harness.js';

/** Changes a closed store behind the back of the inbox: every record of a database. */
async function spoil(dir: string, name: string): Promise<void> {
  const root = openLmdb({
    path: join(dir, 'inbox.mdb'),
    noSubdir: true,
    overlappingSync: false,
    encoding: 'binary',
    maxDbs: 16,
  });
  const database = root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' });
  for (const { key, value } of [...database.getRange({})]) {
    const spoilt = Buffer.from(value);
    spoilt[spoilt.length - 1]! ^= 1;
    database.putSync(Buffer.from(key), spoilt);
  }
  await root.close();
}

describe('LmdbInbox after a restart', () => {
  it('knows everything it knew', async () => {
    const dir = temporaryFolder();
    const before = await openInbox(inboxOnDisk(dir));
    await recordAll(before.inbox, [1, 2, 5]);
    await recordAll(before.inbox, [3], { epoch: 9 });
    await before.inbox.recordLost(CREW, [lossOf(3, 3)]);
    await before.inbox.park(parkedDraft(change(6)));
    await before.inbox.park(parkedDraft(undefined, '{'));
    const [first, second] = [...before.inbox.parked()];
    await before.inbox.removeParked(second!.position);
    const accounts = [...before.inbox.accounts()];
    const stats = before.inbox.stats();
    await before.inbox.close();

    const { inbox, observer } = await openInbox(inboxOnDisk(dir));
    expect([...inbox.accounts()]).toEqual(accounts);
    expect(inbox.stats()).toEqual(stats);
    expect([...inbox.parked()]).toEqual([first]);
    expect([1, 2, 3, 4, 5, 6].map((sequence) => inbox.isKnown(change(sequence)))).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(inbox.isStale(change(99))).toBe(true);
    // What was missing is told again.
    expect(observer.missingRanges).toEqual([
      { from: 4, to: 4 },
      { from: 1, to: 2 },
    ]);
    // A position is never given twice.
    await inbox.park(parkedDraft(undefined, '['));
    expect([...inbox.parked()].at(-1)!.position).toBeGreaterThan(second!.position);
  });

  it('knows an id that rises with time, whatever came after it, and takes a later one for new', async () => {
    const dir = temporaryFolder();
    const id = (time: number) => ({ messageId: `0192f0c4-${String(time).padStart(4, '0')}-7000-8000-000000000000` });
    const before = await openInbox(inboxOnDisk(dir));
    for (const time of [5, 3, 9]) await before.inbox.recordHandled({ ...change(time), ...id(time) });
    await before.inbox.close();
    const { inbox } = await openInbox(inboxOnDisk(dir));
    // The sequence says nothing of these: it is that of another epoch.
    const isKnown = (time: number) => inbox.isKnown({ ...change(1, { epoch: 2 }), ...id(time) });
    expect([3, 4, 5, 9, 10].map(isKnown)).toEqual([true, false, true, true, false]);
    await inbox.recordHandled({ ...change(1, { epoch: 2 }), ...id(10) });
    expect([9, 10, 11].map((time) => inbox.isKnown({ ...change(2, { epoch: 2 }), ...id(time) }))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('has its folder to itself', async () => {
    const dir = temporaryFolder();
    await openInbox(inboxOnDisk(dir));
    const second = inboxOnDisk(dir)(INBOX_LIMITS, new FakeClock(), silentLogger);
    await expect(second.open()).rejects.toThrow(QueueLockedError);
    await expect(second.open()).rejects.toThrow(/The inbox folder .* is in use by process/);
  });

  it('says what is wrong with its folder, and opens it once that is mended', async () => {
    const dir = join(temporaryFolder(), 'inbox');
    writeFileSync(dir, 'a file');
    const inbox = inboxOnDisk(dir)(INBOX_LIMITS, new FakeClock(), silentLogger);
    await expect(inbox.open()).rejects.toThrow(QueueUnavailableError);
    expect(() => inbox.isKnown(change(1))).toThrow(QueueUnavailableError);
    await inbox.close();
  });
});

describe('LmdbInbox on a damaged store', () => {
  it('knows repeats by their id where the record of a stream is damaged', async () => {
    const dir = temporaryFolder();
    const before = await openInbox(inboxOnDisk(dir));
    await recordAll(before.inbox, [1, 2]);
    await before.inbox.close();
    await spoil(dir, 'streams');
    const { inbox, logger } = await openInbox(inboxOnDisk(dir));
    expect(logger.errors).toEqual([expect.stringContaining('1 stream(s)')]);
    expect(inbox.isKnown(change(1))).toBe(true);
    expect(inbox.isKnown(change(1, { messageId: 'other' }))).toBe(false);
    await recordAll(inbox, [8]);
    expect(inbox.account(CREW)).toMatchObject({ first: 8, missing: [] });
  });

  it('shows a damaged parked message as such', async () => {
    const dir = temporaryFolder();
    const before = await openInbox(inboxOnDisk(dir));
    await before.inbox.park(parkedDraft(change(1)));
    await before.inbox.close();
    await spoil(dir, 'parked');
    const { inbox } = await openInbox(inboxOnDisk(dir));
    expect([...inbox.parked()]).toMatchObject([{ position: 1, reason: 'damaged', identity: undefined }]);
    expect(await inbox.removeParked(1)).toBe(true);
  });

  it('does without damaged records of what was handled', async () => {
    const dir = temporaryFolder();
    const before = await openInbox(inboxOnDisk(dir), { maxIds: 3 });
    await recordAll(before.inbox, [1, 2, 3]);
    await before.inbox.close();
    await spoil(dir, 'handled');
    await spoil(dir, 'lasts');
    const { inbox } = await openInbox(inboxOnDisk(dir), { maxIds: 3 });
    expect(inbox.isStale(change(1))).toBe(false);
    await recordAll(inbox, [4, 5]);
    expect(inbox.stats().ids).toBe(2);
    expect([1, 5].map((sequence) => inbox.isKnown(change(sequence)))).toEqual([true, true]);
    expect(inbox.isStale(change(4))).toBe(true);
  });

  it('is set aside, never deleted, when it kills who reads it, and a new one is begun', async () => {
    const dir = temporaryFolder();
    const before = await openInbox(inboxOnDisk(dir));
    for (let from = 1; from < 3000; from += 500) {
      await recordAll(
        before.inbox,
        Array.from({ length: 500 }, (_, at) => from + at),
      );
    }
    await before.inbox.close();
    const path = join(dir, 'inbox.mdb');
    truncateSync(path, Math.floor(statSync(path).size / 3));
    writeFileSync(join(dir, 'running'), '0');
    const { inbox, logger } = await openInbox(inboxOnDisk(dir));
    expect(logger.errors).toEqual([expect.stringMatching(/store of the inbox is damaged.*set aside.*handled again/)]);
    expect(readdirSync(dir).some((name) => name.startsWith('inbox.mdb.damaged-'))).toBe(true);
    expect(inbox.isKnown(change(1))).toBe(false);
    await recordAll(inbox, [1]);
  });
});

describe('LmdbInbox whose process is killed', () => {
  let child: { readonly script: string; readonly dispose: () => void };
  beforeAll(async () => (child = await buildChild('recording-child')), 60_000);
  afterAll(() => child.dispose());

  it('knows everything that was recorded, kill after kill', async () => {
    const dir = temporaryFolder();
    for (const round of [1, 2, 3]) {
      const safe: (readonly [what: string, entity: string, sequence: number])[] = [];
      const process: ChildProcess = startChild(child.script, [dir, String(round)], (line) => {
        const [what, entity, sequence] = line.split(' ');
        if (entity) safe.push([what!, entity, Number(sequence)]);
      });
      onTestFinished(() => void process.kill('SIGKILL'));
      await until(() => safe.length > 100 * round, { what: 'the child to record' });
      process.kill('SIGKILL');
      await ended(process);
      expect(existsSync(join(dir, 'running'))).toBe(true);

      const { inbox, logger } = await openInbox(inboxOnDisk(dir), { maxParked: 20, maxParkedBytes: 1e6, maxIds: 500 });
      expect(logger.errors).toEqual([]);
      for (const [what, entity, sequence] of safe) {
        const stream = { vesselId: 'mv-test', epoch: round, entity };
        const known = inbox.isKnown(change(sequence, { ...stream, messageId: undefined }));
        expect([what, entity, sequence, known]).toEqual([what, entity, sequence, what !== 'lost']);
      }
      for (const account of inbox.accounts()) {
        expect(account.missing).toEqual([]);
        if (account.epoch === round) expect(account.highest).toBe(account.handled + account.lostCount);
      }
      expect(inbox.stats()).toMatchObject({ parked: expect.any(Number) as number, missing: 0 });
      expect(inbox.stats().ids).toBeLessThanOrEqual(500);
      for (const { payload, identity } of inbox.parked()) {
        expect(String(payload)).toBe(`${identity!.entity} ${identity!.sequence}`);
      }
      await inbox.close();
    }
  }, 60_000);
});

/** A store whose commits can be made to fail, and to wait. */
class FailingInboxStore extends InMemoryInboxStore {
  fails = false;
  readonly sizes: number[] = [];
  gate: Promise<void> | undefined;

  override async commit(commit: InboxCommit): Promise<void> {
    await this.gate;
    if (this.fails) throw new Error('no space left');
    this.sizes.push(commit.handled.length);
    await super.commit(commit);
  }
}

class TestInbox extends StoredInbox {}

describe('an inbox on a store that fails', () => {
  const make = (store: FailingInboxStore) => () => new TestInbox(store, INBOX_LIMITS, new FakeClock(), silentLogger);

  it('commits what was asked for meanwhile together', async () => {
    const store = new FailingInboxStore();
    const { inbox } = await openInbox(make(store));
    await recordAll(inbox, [1, 2, 3]);
    let open = () => {};
    store.gate = new Promise((resolve) => (open = resolve));
    const first = recordAll(inbox, [4]);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const rest = recordAll(inbox, [5, 6, 7]);
    open();
    await Promise.all([first, rest]);
    expect(store.sizes).toEqual([3, 1, 3]);
  });

  it('rejects all of a group that fails, and what was asked for since, and is as before', async () => {
    const store = new FailingInboxStore();
    const { inbox, observer } = await openInbox(make(store));
    await recordAll(inbox, [1, 5]);
    await inbox.recordLost(CREW, [lossOf(2, 2)]);
    await inbox.park(parkedDraft(change(6)));
    const [account, stats, parked] = [inbox.account(CREW), inbox.stats(), [...inbox.parked()]];
    const told = observer.missingRanges.length;

    let open = () => {};
    store.gate = new Promise((resolve) => (open = resolve));
    store.fails = true;
    const group = [
      ...[2, 3, 9].map((sequence) => inbox.recordHandled(change(sequence))),
      inbox.recordLost(CREW, [lossOf(4, 4), lossOf(20, 30)]),
      inbox.recordHandled(change(1, { epoch: 8 })),
      inbox.park(parkedDraft(change(10))),
      inbox.removeParked(parked[0]!.position),
    ];
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const since = inbox.recordHandled(change(11));
    expect(inbox.isKnown(change(11))).toBe(true);
    open();
    const settled = await Promise.allSettled([...group, since]);
    expect(settled.map(({ status }) => status)).toEqual(settled.map(() => 'rejected'));
    await expect(since).rejects.toThrow(QueueUnavailableError);
    await expect(since).rejects.toThrow(/no space left/);
    expect([inbox.account(CREW), inbox.stats(), [...inbox.parked()]]).toEqual([account, stats, parked]);
    expect([...inbox.accounts()]).toHaveLength(1);
    expect([2, 3, 9, 11].map((sequence) => inbox.isKnown(change(sequence)))).toEqual([false, false, false, false]);
    expect(inbox.isStale(change(8))).toBe(false);
    expect(observer.missingRanges).toHaveLength(told);

    store.fails = false;
    await recordAll(inbox, [2, 3, 9, 11]);
    expect(inbox.account(CREW)).toMatchObject({ highest: 11, lostCount: 0, handled: 7 });
  });

  it('tells a hole again that was filled for as long as a group lasted that fails', async () => {
    const store = new FailingInboxStore();
    const { inbox } = await openInbox(make(store));
    await recordAll(inbox, [1, 3]);
    const withGaps = () => [...inbox.accounts('with_gaps')].map(({ missing }) => missing);
    store.fails = true;
    const filling = inbox.recordHandled(change(2));
    expect([withGaps(), inbox.stats().missing]).toEqual([[], 0]);
    await expect(filling).rejects.toThrow(QueueUnavailableError);
    expect([withGaps(), inbox.stats().missing]).toEqual([[[{ from: 2, to: 2 }]], 1]);
  });
});

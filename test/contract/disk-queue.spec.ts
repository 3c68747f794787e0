import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  QueueLockedError,
  QueueUnavailableError,
  QueueVesselMismatchError,
  StoreFormatError,
} from '../../src/mqtt-sync/errors.js';
import { seal } from '../../src/mqtt-sync/store/sealed-records.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { until } from '../helpers/wait.js';
import { buildChild, ended, startChild } from './child-process.js';
import { damageMessage, messagesOf, tamper } from './damage.js';
import { draft, idsOf, onDisk, openOnDisk, take, takeAll, temporaryFolder, VESSEL, watch } from './queue-harness.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2 };

/** What a process that was killed leaves: the marker of an unclean stop. */
function pretendUncleanStop(dir: string): void {
  writeFileSync(join(dir, 'running'), '0');
}

describe('DiskQueue of whoever it is', () => {
  it('is opened without a claim, and not begun where there is none', async () => {
    const dir = temporaryFolder();
    const nobody = watch(onDisk(dir));
    await expect(nobody.queue.open(undefined)).rejects.toThrow(/There is no queue/);
    const { queue } = await openOnDisk(dir);
    await queue.accept([draft('crew')]);
    const { identity } = queue;
    await queue.close();
    const again = watch(onDisk(dir));
    expect(await again.queue.open(undefined)).toEqual(identity);
    expect(again.logger.warnings).toEqual([]);
  });
});

describe('DiskQueue after a restart', () => {
  it('still knows what was purged, to tell it', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a'), draft('a')]);
    expect(await before.queue.purge()).toBe(2);
    await before.queue.close();
    const { queue } = await openOnDisk(dir);
    expect([queue.stats().messages, queue.gaps().get('a')]).toEqual([0, [{ from: 1, to: 2, reason: 'dropped' }]]);
  });

  it('holds everything in order, in its lanes, with its sequences', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a', { messageId: 'm1' }), draft('b', { messageId: 'm2', lane: 'critical' })]);
    await before.queue.accept([draft('a', { messageId: 'm3' })]);
    const payload = take(before.queue).payload;
    await before.queue.close();

    const { queue } = await openOnDisk(dir);
    expect(queue.identity).toEqual(before.queue.identity);
    expect(queue.stats()).toMatchObject({ messages: 3, bytes: before.queue.stats().bytes });
    const [first, second] = takeAll(queue);
    expect(first).toMatchObject({ messageId: 'm1', sequence: 1 });
    expect(first!.payload).toEqual(payload);
    expect(second).toMatchObject({ messageId: 'm3', sequence: 2 });
    expect(take(queue, 'critical').messageId).toBe('m2');
    // The lane that holds messages wins over the one of the draft.
    const [a] = await queue.accept([draft('a', { lane: 'bulk' })]);
    expect(a!.sequence).toBe(3);
    expect(take(queue).position).toBe(a!.position);
  });

  it('goes on with the sequences of types that have no messages', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a'), draft('a')]);
    before.queue.remove(takeAll(before.queue));
    await before.queue.close();
    const { queue } = await openOnDisk(dir);
    expect(queue.stats().messages).toBe(0);
    const [next] = await queue.accept([draft('a')]);
    expect([next!.sequence, next!.position]).toEqual([3, 3]);
  });

  it('remembers gaps, dead letters and given ids', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir, { maxMessages: 2 });
    const [, , given] = await before.queue
      .accept([draft('a')])
      .then(async ([first]) => [
        first,
        ...(await before.queue.accept([draft('a'), draft('b', { messageId: 'x', idIsGiven: true })])),
      ]);
    before.queue.setAside(take(before.queue), REFUSED);
    await before.queue.close();
    const { queue } = await openOnDisk(dir, { maxMessages: 2 });
    expect(queue.gaps()).toEqual(new Map([['a', [{ from: 1, to: 1, reason: 'dropped' }]]]));
    expect([...queue.deadLetters()]).toEqual([...before.observer.letters]);
    expect(queue.stats()).toMatchObject({ messages: 1, deadLetters: 1, untoldGaps: 1 });
    const [again] = await queue.accept([draft('b', { messageId: 'x', idIsGiven: true })]);
    expect(again).toEqual({ ...given, repeated: true });
    expect(queue.fateOf(again!)).toBe('waiting');
  });

  it('has forgotten gaps that were told', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir, { maxMessages: 1 });
    await before.queue.accept([draft('a')]);
    await before.queue.accept([draft('a')]);
    before.queue.forgetGaps('a', before.queue.gaps().get('a')!);
    await before.queue.close();
    expect((await openOnDisk(dir)).queue.gaps().size).toBe(0);
  });
});

describe('DiskQueue and its vessel', () => {
  it('begins its epoch with the time, and never goes back behind one', async () => {
    const dir = temporaryFolder();
    const clock = new FakeClock(Date.UTC(2030, 0, 1));
    const first = await openOnDisk(dir, {}, clock);
    expect(first.queue.identity).toEqual({ vesselId: 'mv-test', epoch: Date.UTC(2030, 0, 1) / 1000 });
    await first.queue.close();
    const { queue } = watch(onDisk(dir), {}, new FakeClock(Date.UTC(2020, 0, 1)));
    const adopted = await queue.open({ vesselId: 'other', isExplicit: true });
    expect(adopted).toEqual({ vesselId: 'other', epoch: Date.UTC(2030, 0, 1) / 1000 + 1 });
  });

  it('ignores a different default vessel id, with a warning', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    const { queue, logger } = watch(onDisk(dir));
    expect((await queue.open({ vesselId: 'host', isExplicit: false })).vesselId).toBe('mv-test');
    expect(logger.warnings).toHaveLength(1);
  });

  it('refuses a different explicit vessel id while it holds messages, and can then be opened by its own', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a')]);
    await before.queue.close();
    const other = watch(onDisk(dir)).queue;
    await expect(other.open({ vesselId: 'other', isExplicit: true })).rejects.toThrow(QueueVesselMismatchError);
    expect((await openOnDisk(dir)).queue.stats().messages).toBe(1);
  });

  it('lets an empty queue be taken over: new epoch, new sequences, no old gaps, no old ids', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir, { maxMessages: 1 });
    await before.queue.accept([draft('a')]);
    await before.queue.accept([draft('a', { messageId: 'x', idIsGiven: true })]);
    before.queue.remove(takeAll(before.queue));
    await before.queue.close();
    const { queue, logger } = watch(onDisk(dir));
    const identity = await queue.open({ vesselId: 'other', isExplicit: true });
    expect(identity.epoch).toBeGreaterThan(before.queue.identity!.epoch);
    expect(logger.warnings[0]).toContain('discarded');
    expect(queue.gaps().size).toBe(0);
    const [first] = await queue.accept([draft('a', { messageId: 'x', idIsGiven: true })]);
    expect(first).toMatchObject({ sequence: 1, repeated: false });
  });
});

describe('DiskQueue and its folder', () => {
  it('refuses a second opener of the same process, naming folder and process, until it is closed', async () => {
    const dir = temporaryFolder();
    const first = await openOnDisk(dir);
    const second = watch(onDisk(dir)).queue;
    const refusal = await second.open(VESSEL).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(QueueLockedError);
    expect((refusal as Error).message).toContain(dir);
    expect((refusal as Error).message).toContain(String(process.pid));
    await first.queue.accept([draft('a')]);
    await first.queue.close();
    await second.open(VESSEL);
    expect(second.stats().messages).toBe(1);
  });

  it('says what to do about a folder that cannot be used, and can be opened later', async () => {
    const parent = temporaryFolder();
    const file = join(parent, 'file');
    writeFileSync(file, '');
    const { queue } = watch(onDisk(join(file, 'queue')));
    const error: unknown = await queue.open(VESSEL).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(error).toMatchObject({ cause: { code: 'ENOTDIR' } });
    expect(queue.identity).toBeUndefined();
  });

  it('says the same when the folder can be entered, but not be written to, and can be opened later', async () => {
    const dir = temporaryFolder();
    // Where the epoch is to be written before it gets its name.
    mkdirSync(join(dir, 'epoch.new'));
    const { queue } = watch(onDisk(dir));
    await expect(queue.open(VESSEL)).rejects.toThrow(QueueUnavailableError);
    rmSync(join(dir, 'epoch.new'), { recursive: true });
    await expect(queue.open(VESSEL)).resolves.toMatchObject({ vesselId: VESSEL.vesselId });
  });

  it('keeps its files from other users', async () => {
    const dir = join(temporaryFolder(), 'queue');
    const { queue } = await openOnDisk(dir);
    await queue.accept([draft('a')]);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
  });

  it('keeps a reserve that really takes up room', async () => {
    const dir = temporaryFolder();
    await openOnDisk(dir);
    const { size, blocks } = statSync(join(dir, 'reserve'));
    expect(size).toBe(8 * 1024 * 1024);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
  });

  it('refuses a store of a newer version, and leaves it as it is', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    await tamper(dir, (root) => {
      root.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' }).putSync('identity', seal([2, 'mv-test', 1]));
    });
    const { queue } = watch(onDisk(dir));
    await expect(queue.open(VESSEL)).rejects.toSatisfy(
      (error) => error instanceof StoreFormatError && /format 2/.test(error.message),
    );
    expect(readdirSync(dir).some((name) => name.includes('damaged'))).toBe(false);
  });

  it('refuses a store of another LMDB, and leaves it as it is', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    const file = join(dir, 'queue.mdb');
    const bytes = readFileSync(file);
    // The version stands in both meta pages, after the magic number.
    for (const page of [0, bytes.readUInt32LE(48)]) bytes.writeUInt16LE(3, page + 28);
    writeFileSync(file, bytes);
    const { queue } = watch(onDisk(dir));
    await expect(queue.open(VESSEL)).rejects.toBeInstanceOf(StoreFormatError);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
});

describe('DiskQueue with damage', () => {
  it('makes a damaged record a dead letter and a gap, and goes on with the rest', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    const accepted = await before.queue.accept(['m1', 'm2', 'm3'].map((messageId) => draft('a', { messageId })));
    await before.queue.close();
    await damageMessage(dir, [0, accepted[1]!.position, 2]);
    const { queue, observer } = await openOnDisk(dir);
    expect(idsOf(takeAll(queue))).toEqual(['m1', 'm3']);
    expect(queue.stats().messages).toBe(2);
    await queue.settled();
    expect([...queue.deadLetters()]).toMatchObject([
      { reason: 'corrupt', entity: 'a', sequence: 2, message: undefined },
    ]);
    expect(observer.letters).toHaveLength(1);
    expect(observer.leftPositions).toEqual([accepted[1]!.position]);
    expect(queue.gaps().get('a')).toEqual([{ from: 2, to: 2, reason: 'corrupt' }]);
    expect(queue.fateOf(accepted[1]!)).toBe('dead_lettered');
    expect(await queue.retryDeadLetter(accepted[1]!.position)).toBe(false);
    expect(await queue.discardDeadLetter(accepted[1]!.position)).toBe(true);
  });

  it('notices a record that lies under the wrong key', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    const [accepted] = await before.queue.accept([draft('a'), draft('a', { messageId: 'm2' })]);
    await before.queue.close();
    await tamper(dir, (root) => {
      const messages = messagesOf(root);
      messages.putSync([0, accepted!.position, 1], messages.get([0, accepted!.position + 1, 2])!);
    });
    const { queue } = await openOnDisk(dir);
    expect(idsOf(takeAll(queue))).toEqual(['m2']);
    expect(queue.gaps().get('a')).toBeUndefined();
    await queue.settled();
    expect(queue.gaps().get('a')).toEqual([{ from: 1, to: 1, reason: 'corrupt' }]);
  });

  it('counts anew, with a warning, when numbers and messages do not agree', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    const [accepted] = await before.queue.accept([draft('a'), draft('a')]);
    await before.queue.close();
    await tamper(dir, (root) => void messagesOf(root).removeSync([0, accepted!.position, 1]));
    const { queue, logger } = await openOnDisk(dir);
    expect(queue.stats().messages).toBe(1);
    expect(logger.warnings).toHaveLength(1);
    queue.remove(takeAll(queue));
    expect(queue.stats()).toMatchObject({ messages: 0, bytes: 0 });
  });

  it('tells messages that are missing as a gap, when their number does not give them away', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    const [first] = await before.queue.accept([draft('a'), draft('a'), draft('b')]);
    await before.queue.close();
    await tamper(dir, (root) => {
      const messages = messagesOf(root);
      const value = messages.get([0, first!.position + 1, 2])!;
      messages.removeSync([0, first!.position + 1, 2]);
      messages.putSync([7, first!.position + 1, 2], value);
    });
    const { queue, observer, logger } = await openOnDisk(dir);
    expect(takeAll(queue)).toHaveLength(2);
    expect(queue.stats().messages).toBe(2);
    expect(logger.errors).toHaveLength(1);
    expect(observer.missed).toEqual([['a', 1]]);
    expect(queue.gaps().get('a')).toEqual([{ from: 2, to: 2, reason: 'corrupt' }]);
  });

  it.each([
    ['truncated', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 3))],
    ['overwritten', (path: string) => writeFileSync(path, Buffer.alloc(statSync(path).size))],
    [
      'zeroed in the middle',
      (path: string) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0, bytes.length >> 2, bytes.length >> 1));
      },
    ],
  ])('sets a store aside that was %s, and begins a new one with a new epoch', async (_how, damage) => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    for (let i = 0; i < 10; i++) await before.queue.accept(Array.from({ length: 100 }, () => draft('a')));
    await before.queue.close();
    damage(join(dir, 'queue.mdb'));
    pretendUncleanStop(dir);
    const { queue, logger } = await openOnDisk(dir);
    expect(logger.errors).toHaveLength(1);
    expect(logger.errors[0]).toContain('set aside');
    // A log has a line for each thing that happened.
    expect(logger.errors[0]).not.toContain('\n');
    expect(readdirSync(dir).filter((name) => name.startsWith('queue.mdb.damaged-'))).toHaveLength(1);
    expect([before.queue.stats().storesAside, queue.stats().storesAside]).toEqual([0, 1]);
    expect(queue.identity!.epoch).toBeGreaterThan(before.queue.identity!.epoch);
    const [first] = await queue.accept([draft('a')]);
    expect(first!.sequence).toBe(1);
  });

  // Once it began a new life without a word: the loss could only be seen by the epoch on the wire.
  it.each([
    ['deleted', (path: string) => rmSync(path)],
    ['emptied', (path: string) => truncateSync(path, 0)],
  ])('says so when the store was %s, and begins a new one with a new epoch', async (_how, damage) => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a')]);
    await before.queue.close();
    expect(before.logger.warnings).toEqual([]);
    damage(join(dir, 'queue.mdb'));
    const { queue, logger } = await openOnDisk(dir);
    expect(queue.identity!.epoch).toBeGreaterThan(before.queue.identity!.epoch);
    expect(logger.warnings).toHaveLength(1);
    expect(logger.warnings[0]).toMatch(/\(epoch \d+\) is gone or was set aside/);
  });

  it('keeps a sound store after an unclean stop', async () => {
    const dir = temporaryFolder();
    const before = await openOnDisk(dir);
    await before.queue.accept([draft('a')]);
    await before.queue.close();
    pretendUncleanStop(dir);
    const { queue, logger } = await openOnDisk(dir);
    expect(queue.stats().messages).toBe(1);
    expect([...logger.errors, ...logger.warnings]).toEqual([]);
  });
});

describe('DiskQueue in a process that is killed', () => {
  let child: Awaited<ReturnType<typeof buildChild>>;
  beforeAll(async () => {
    child = await buildChild('accepting-child');
  });
  afterAll(() => child.dispose());

  function start(dir: string, round: number, onLine: (line: string) => void): ChildProcess {
    const process = startChild(child.script, [dir, String(round)], onLine);
    onTestFinished(() => void process.kill('SIGKILL'));
    return process;
  }

  it('loses nothing that was accepted, and gives no sequence twice', async () => {
    const dir = temporaryFolder();
    const accepted = new Map<string, string>();
    const places = new Set<string>();
    const removed = new Set<string>();
    for (let round = 1; round <= 4; round++) {
      let lines = 0;
      const process = start(dir, round, (line) => {
        lines++;
        const [entity, sequence, messageId] = line.split(' ') as [string, string, string | undefined];
        if (entity === 'removing') removed.add(sequence);
        else if (messageId) {
          const place = `${entity} ${sequence}`;
          expect([place, places.has(place)]).toEqual([place, false]);
          places.add(place);
          accepted.set(messageId, place);
        }
      });
      await until(() => lines > 60 * round, { what: 'some messages to be accepted' });
      process.kill('SIGKILL');
      await ended(process);
    }
    const { queue, logger } = await openOnDisk(dir);
    expect(logger.errors).toEqual([]);
    const waiting = takeAll(queue);
    const found = new Map(waiting.map(({ messageId, entity, sequence }) => [messageId, `${entity} ${sequence}`]));
    for (const [messageId, place] of accepted) {
      if (!removed.has(messageId)) expect([messageId, found.get(messageId)]).toEqual([messageId, place]);
    }
    for (const entity of ['type_0', 'type_1', 'type_2']) {
      const sequences = waiting.filter((message) => message.entity === entity).map(({ sequence }) => sequence);
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    }
  });

  it('keeps other processes out while it lives, and not a moment longer', async () => {
    const dir = temporaryFolder();
    let isOpen = false;
    const process = start(dir, 1, () => (isOpen = true));
    await until(() => isOpen, { what: 'the other process to open the queue' });
    const { queue } = watch(onDisk(dir));
    const refusal: unknown = await queue.open(VESSEL).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(QueueLockedError);
    expect(refusal).toMatchObject({ details: { dir, pid: process.pid } });
    process.kill('SIGKILL');
    await ended(process);
    await expect(queue.open(VESSEL)).resolves.toMatchObject({ vesselId: 'mv-test' });
  });
});

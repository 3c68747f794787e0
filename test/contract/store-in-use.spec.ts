import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QueueUnavailableError, StoppingError } from '../../src/mqtt-sync/errors.js';
import { beginNewEpoch } from '../../src/mqtt-sync/queue/new-epoch.js';
import { FakeClock } from '../../src/mqtt-sync/time/fake-clock.js';
import { until } from '../helpers/wait.js';
import { change, inboxOnDisk, openInbox } from './inbox-harness.js';
import { draft, onDisk, openOnDisk, RecordingLogger, temporaryFolder, VESSEL, watch } from './queue-harness.js';

/** More than lies between two looks whether the store is still there. */
const A_WHILE_MS = 2000;

describe('A queue whose folder is deleted while it is open', () => {
  it('accepts nothing any more, says why once, and closes', async () => {
    const dir = join(temporaryFolder(), 'queue');
    const { queue, observer, logger, clock } = await openOnDisk(dir);
    await queue.accept([draft('a')]);
    rmSync(dir, { recursive: true });
    clock.advance(A_WHILE_MS);
    const refusal: unknown = await queue.accept([draft('a')]).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(QueueUnavailableError);
    const { message } = refusal as Error;
    expect(message).toContain(`${join(dir, 'queue.mdb')} was deleted or replaced while it was in use`);
    expect(message).toContain('Restart the service');
    // It is tried again and again.
    for (let tries = 0; tries < 5; tries++) {
      clock.advance(10_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await queue.settled();
    expect(queue.stats()).toMatchObject({ available: false, unavailableReason: message });
    expect(observer.availabilities).toEqual([false]);
    await queue.close();
    expect(logger.warnings).toEqual([]);
    expect(existsSync(dir)).toBe(false);
    // The next start begins anew.
    const next = await openOnDisk(dir);
    await next.queue.accept([draft('a')]);
  });

  it('takes changes again when the folder is put back', async () => {
    const parent = temporaryFolder();
    const [dir, elsewhere] = [join(parent, 'queue'), join(parent, 'elsewhere')];
    const { queue, observer, clock } = await openOnDisk(dir);
    renameSync(dir, elsewhere);
    clock.advance(A_WHILE_MS);
    await expect(queue.accept([draft('a')])).rejects.toThrow(/deleted or replaced/);
    renameSync(elsewhere, dir);
    const isBack = () => (clock.advance(10_000), queue.stats().available);
    await until(isBack, { what: 'the queue to find its store again' });
    await queue.accept([draft('a')]);
    expect(observer.availabilities).toEqual([false, true]);
  });

  it('leaves alone what another process has begun there', async () => {
    const dir = join(temporaryFolder(), 'queue');
    const { queue } = await openOnDisk(dir);
    rmSync(dir, { recursive: true });
    const second = await openOnDisk(dir);
    await queue.close();
    // It is still in use, and its stop would be an unclean one.
    expect(existsSync(join(dir, 'running'))).toBe(true);
    await second.queue.accept([draft('a')]);
  });
});

describe('An inbox whose folder is deleted while it is open', () => {
  it('records nothing any more', async () => {
    const dir = join(temporaryFolder(), 'inbox');
    const clock = new FakeClock();
    const { inbox } = await openInbox(inboxOnDisk(dir), {}, clock);
    await inbox.recordHandled(change(1));
    rmSync(dir, { recursive: true });
    clock.advance(A_WHILE_MS);
    await expect(inbox.recordHandled(change(2))).rejects.toThrow(/inbox\.mdb was deleted or replaced/);
    await inbox.close();
  });
});

describe('A queue whose marker cannot be removed', () => {
  it('closes with a warning, and leaves the folder to others', async () => {
    const dir = temporaryFolder();
    const { queue, logger } = await openOnDisk(dir);
    const marker = join(dir, 'running');
    rmSync(marker);
    mkdirSync(marker);
    await queue.close();
    expect(logger.warnings).toEqual([expect.stringMatching(/marker of a running queue cannot be written/)]);
    rmSync(marker, { recursive: true });
    await openOnDisk(dir);
  });
});

describe('A queue that cannot be opened', () => {
  it.each([undefined, '1'])('leaves the marker as it found it (%s), however often it is tried', async (found) => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    const marker = join(dir, 'running');
    if (found !== undefined) writeFileSync(marker, found);
    rmSync(join(dir, 'epoch'));
    mkdirSync(join(dir, 'epoch'));
    const { queue } = watch(onDisk(dir));
    for (let tries = 0; tries < 3; tries++) {
      await expect(queue.open(VESSEL)).rejects.toBeInstanceOf(QueueUnavailableError);
      expect(existsSync(marker) ? readFileSync(marker, 'utf8') : undefined).toBe(found);
    }
  });

  it('says so with a code when it is to be given a new epoch', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    mkdirSync(join(dir, 'epoch.new', 'in the way'), { recursive: true });
    const beginning = beginNewEpoch(dir, new FakeClock(), new RecordingLogger());
    await expect(beginning).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE', details: { dir } });
  });
});

describe('A queue that is closed while its store is being checked', () => {
  it('does not wait for that, and leaves the next start to check', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    writeFileSync(join(dir, 'running'), '1');
    const { queue, logger } = watch(onDisk(dir));
    const opening = queue.open(VESSEL).catch((error: unknown) => error);
    await queue.close();
    expect(await opening).toBeInstanceOf(StoppingError);
    expect(await opening).toMatchObject({
      message: expect.stringContaining('while its store was being checked') as unknown,
    });
    expect(readFileSync(join(dir, 'running'), 'utf8')).toBe('1');
    expect([...logger.errors, ...logger.warnings]).toEqual([]);
  });
});

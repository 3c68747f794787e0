import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { QueueUnavailableError } from '../../src/mqtt-sync/errors.js';
import { QUEUE_DATABASES } from '../../src/mqtt-sync/queue/lmdb/databases.js';
import { INBOX_DATABASES } from '../../src/mqtt-sync/subscriber/inbox/lmdb/databases.js';
import { until } from '../helpers/wait.js';
import { buildChild, ended, startChild } from './child-process.js';
import { cutFreeList, flipTransactions, zeroFreeList } from './damage.js';
import { inboxOnDisk, openInbox } from './inbox-harness.js';
import { draft, idsOf, openOnDisk, takeAll, temporaryFolder } from './queue-harness.js';

const LIMITS = { maxMessages: 100_000, maxBytes: 1e9 };
/** The start after so many deaths looks for damage that only who writes meets. */
const MOST_DEATHS = 3;

const asideIn = (dir: string) => readdirSync(dir).filter((name) => /\.(damaged|replaced)-/.test(name));
const kindOf = (name: string) => /\.(damaged|replaced)-/.exec(name)![1];

/** What a process that died leaves, after so many that died before it. */
function pretendDeaths(dir: string, deaths: number): void {
  writeFileSync(join(dir, 'running'), String(deaths - 1));
}

/** A queue with free pages, a sequence that is in no message any more, dead letters, ids and gaps. */
async function filled(dir: string) {
  const { queue } = await openOnDisk(dir, LIMITS);
  const ids = Array.from({ length: 400 }, (_, index) => `before-${index}`);
  await queue.accept([draft('gone'), draft('gone')]);
  await queue.purge();
  for (let from = 0; from < ids.length; from += 50) {
    const some = ids.slice(from, from + 50);
    await queue.accept(some.map((messageId) => draft('a', { messageId, idIsGiven: true })));
  }
  const [first] = queue.messages({ entity: 'a' });
  queue.remove([queue.take('normal', () => true)!]);
  queue.setAside(
    queue.take('normal', () => true)!,
    { reason: 'refused', reasonCode: 0x87, attempts: 1 },
  );
  await queue.settled();
  const facts = { identity: queue.identity, gaps: queue.gaps(), letters: [...queue.deadLetters()] };
  await queue.close();
  expect(first!.messageId).toBe(ids[0]);
  return { ids: ids.slice(2), facts };
}

type Filled = Awaited<ReturnType<typeof filled>>;

/** That nothing is lost, and that the store is used as if nothing had been. */
async function expectWhole(dir: string, { ids, facts }: Filled) {
  const opened = await openOnDisk(dir, LIMITS);
  const { queue } = opened;
  expect({ identity: queue.identity, gaps: queue.gaps(), letters: [...queue.deadLetters()] }).toEqual(facts);
  expect(queue.stats().storesAside).toBe(0);
  const [again] = await queue.accept([draft('a', { messageId: ids[7]!, idIsGiven: true })]);
  expect(again).toMatchObject({ repeated: true, sequence: 10 });
  const [next] = await queue.accept([draft('gone')]);
  expect(next!.sequence).toBe(3);
  const waiting = takeAll(queue).filter(({ entity }) => entity === 'a');
  expect(idsOf(waiting)).toEqual(ids);
  return opened;
}

describe('A store with damage that only who writes meets', () => {
  let child: Awaited<ReturnType<typeof buildChild>>;
  beforeAll(async () => void (child = await buildChild('accepting-child')), 60_000);
  afterAll(() => child.dispose());

  /** Starts processes that accept, and deliver a little, until one of them does not die of it. */
  async function deathsUntilAccepting(dir: string) {
    const delivered = new Set<string>();
    for (let deaths = 0; ; deaths++) {
      expect(deaths).toBeLessThanOrEqual(MOST_DEATHS);
      let accepted = 0;
      let isGone = false;
      const process = startChild(child.script, [dir, String(deaths)], (line) => {
        const [what, id] = line.split(' ');
        if (what === 'removing') delivered.add(id!);
        else if (what !== 'open') accepted++;
      });
      onTestFinished(() => void process.kill('SIGKILL'));
      const gone = ended(process).then(() => (isGone = true));
      await until(() => isGone || accepted > 100, { what: 'the process to accept, or to die' });
      process.kill('SIGKILL');
      await gone;
      if (accepted > 100) return { deaths, delivered };
    }
  }

  it.each([
    ['bits flipped in the heads of its pages', flipTransactions],
    ['its list of free pages cut off', cutFreeList],
  ])(
    '%s: it is replaced by a copy after a few deaths, and nothing is lost',
    async (_what, damage) => {
      const dir = temporaryFolder();
      const before = await filled(dir);
      damage(dir);
      const { deaths, delivered } = await deathsUntilAccepting(dir);
      expect(deaths).toBeGreaterThan(0);
      expect(asideIn(dir).map(kindOf)).toEqual(['replaced']);
      const { queue } = await openOnDisk(dir, LIMITS);
      expect(queue.identity).toEqual(before.facts.identity);
      // Whether one was removed is open until that is stored.
      const isWaiting = (id: string) => !delivered.has(id);
      expect(idsOf([...queue.messages({ entity: 'a' })]).filter(isWaiting)).toEqual(before.ids.filter(isWaiting));
      expect(queue.gaps()).toEqual(before.facts.gaps);
    },
    60_000,
  );

  it('is replaced also when it was killed in the first minute of its life', async () => {
    const dir = temporaryFolder();
    expect((await deathsUntilAccepting(dir)).deaths).toBe(0);
    flipTransactions(dir);
    expect((await deathsUntilAccepting(dir)).deaths).toBeGreaterThan(0);
    expect(asideIn(dir).map(kindOf)).toEqual(['replaced']);
  }, 60_000);

  it.each(['a clean stop', 'a kill'])(
    'its list of free pages zeroed: refuses changes, is replaced by a copy at the start after %s, and nothing is lost',
    async (how) => {
      const dir = temporaryFolder();
      const before = await filled(dir);
      zeroFreeList(dir);
      const damaged = await openOnDisk(dir, LIMITS);
      await expect(damaged.queue.accept([draft('a')])).rejects.toBeInstanceOf(QueueUnavailableError);
      await until(() => readFileSync(join(dir, 'running'), 'utf8').includes('damaged'), {
        what: 'it to be remembered',
      });
      const marker = readFileSync(join(dir, 'running'));
      expect(damaged.logger.errors).toEqual([
        expect.stringMatching(/Damage was met in the store of the queue: .*Restart/),
      ]);
      await damaged.queue.close();
      if (how === 'a kill') writeFileSync(join(dir, 'running'), marker);
      const { logger } = await expectWhole(dir, before);
      expect(asideIn(dir).map(kindOf)).toEqual(['replaced']);
      expect(logger.errors).toEqual([expect.stringMatching(/replaced by a copy.*damage was met.*Nothing is lost/)]);
      expect(logger.errors[0]).not.toContain('\n');
      const [aside] = asideIn(dir);
      expect(logger.errors[0]).toContain(join(dir, aside!));
    },
  );

  it('is not looked into again after a clean stop', async () => {
    const dir = temporaryFolder();
    const before = await filled(dir);
    zeroFreeList(dir);
    const damaged = await openOnDisk(dir, LIMITS);
    await expect(damaged.queue.accept([draft('a')])).rejects.toBeInstanceOf(QueueUnavailableError);
    await damaged.queue.close();
    const mended = await expectWhole(dir, before);
    await mended.queue.close();
    expect(readdirSync(dir)).not.toContain('running');
    expect((await openOnDisk(dir, LIMITS)).logger.errors).toEqual([]);
    expect(asideIn(dir)).toHaveLength(1);
  });
});

describe('What is walked through after an unclean stop', () => {
  /** Names of all databases in a file. */
  async function databasesIn(path: string): Promise<string[]> {
    const root = openLmdb({ path, noSubdir: true, readOnly: true, encoding: 'binary', maxDbs: 16 });
    const names = [...root.getKeys()].map((name) => (name as string).replaceAll('\0', ''));
    await root.close();
    return names.sort();
  }

  it('is all of a queue', async () => {
    const dir = temporaryFolder();
    await (await openOnDisk(dir)).queue.close();
    expect(await databasesIn(join(dir, 'queue.mdb'))).toEqual([...QUEUE_DATABASES].sort());
  });

  it('is all of an inbox', async () => {
    const dir = temporaryFolder();
    await (await openInbox(inboxOnDisk(dir))).inbox.close();
    expect(await databasesIn(join(dir, 'inbox.mdb'))).toEqual([...INBOX_DATABASES].sort());
  });
});

describe('A sound store on a machine that keeps failing', () => {
  it.each([1, 2])('is used as it is after %i deaths in a row', async (deaths) => {
    const dir = temporaryFolder();
    const before = await filled(dir);
    pretendDeaths(dir, deaths);
    const { logger } = await expectWhole(dir, before);
    expect([...asideIn(dir), ...logger.errors, ...logger.warnings]).toEqual([]);
  });

  it('is replaced once in a row of deaths, whatever else the process dies of', async () => {
    const dir = temporaryFolder();
    const before = await filled(dir);
    pretendDeaths(dir, MOST_DEATHS);
    const first = await expectWhole(dir, before);
    expect(first.logger.errors).toEqual([expect.stringMatching(/the process died 3 times in a row/)]);
    const marker = readFileSync(join(dir, 'running'));
    await first.queue.close();
    writeFileSync(join(dir, 'running'), marker);
    const { logger, queue, clock } = await openOnDisk(dir, LIMITS);
    expect(logger.errors).toEqual([]);
    expect(asideIn(dir)).toHaveLength(1);
    expect(queue.stats().messages).toBe(before.ids.length + 1);
    // The row ends with a process that lives.
    clock.advance(60_000);
    await until(() => readFileSync(join(dir, 'running'), 'utf8') === '0', { what: 'the marker to say so' });
  });

  it('leaves no trace of a copy that a kill has ended', async () => {
    const dir = temporaryFolder();
    const before = await filled(dir);
    for (const name of ['queue.mdb.copy', 'queue.mdb.copy-lock']) writeFileSync(join(dir, name), 'half of it');
    await expectWhole(dir, before);
    expect(readdirSync(dir).filter((name) => name.includes('copy'))).toEqual([]);
  });

  it('keeps the copy from other users', async () => {
    const dir = temporaryFolder();
    await filled(dir);
    pretendDeaths(dir, MOST_DEATHS);
    await openOnDisk(dir, LIMITS);
    expect(asideIn(dir)).toHaveLength(1);
    for (const name of readdirSync(dir)) expect([name, statSync(join(dir, name)).mode & 0o777]).toEqual([name, 0o600]);
  });
});

describe('A process that can hardly open any file', () => {
  let child: Awaited<ReturnType<typeof buildChild>>;
  beforeAll(async () => void (child = await buildChild('crowded-child')), 60_000);
  afterAll(() => child.dispose());

  it('does not die of it that it cannot start the one that checks a store', async () => {
    const crowded = spawn('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, child.script]);
    onTestFinished(() => void crowded.kill('SIGKILL'));
    let said = '';
    for (const stream of [crowded.stdout, crowded.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    await ended(crowded);
    expect(said.trim().split('\n')).toEqual(expect.arrayContaining(['0 broken', '16 done']));
    expect(crowded.exitCode, said).toBe(0);
  }, 60_000);
});

import { chmodSync, chownSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import type { MessageList } from '../../src/service/queue/messages.controller.js';
import { take, VESSEL, watch } from '../contract/queue-harness.js';
import { CommandLine } from '../helpers/command-line.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { Shore } from '../helpers/shore.js';
import { stoppedFolder } from '../helpers/stopped-folder.js';

const on = (dir: string, args: readonly string[]) => CommandLine.run([...args, '--queue-dir', dir]);

async function jsonOf(dir: string, args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await on(dir, [...args, '--json']);
  expect([exitCode, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as unknown;
}

describe('the command line on the folder of a stopped service', () => {
  it('tells what is in it, and leaves it as it is', async () => {
    const dir = await stoppedFolder();
    const before = await jsonOf(dir, ['status']);
    expect(before).toMatchObject({
      state: 'stopped',
      service: { vesselId: 'mv-test' },
      queue: { messages: 3, deadLetters: 2 },
    });
    const shown = await on(dir, ['status']);
    expect([shown.exitCode, shown.stdout]).toEqual([0, expect.stringMatching(/^mv-test stopped\nqueue +3 messages/)]);
    const list = await on(dir, ['queue', 'list']);
    expect([list.exitCode, list.stdout]).toEqual([
      0,
      expect.stringMatching(/\n3 .* m1\n4 .* alerts .* m2\n5 .* m3\n$/),
    ]);
    const { messages } = (await jsonOf(dir, ['queue', 'list', '--entity', 'crew', '--after', '3'])) as MessageList;
    expect(messages).toMatchObject([{ messageId: 'm3' }]);
    expect(await jsonOf(dir, ['queue', 'stats'])).toMatchObject({ queue: { lanes: { critical: { messages: 1 } } } });
    expect(JSON.parse((await on(dir, ['queue', 'show', '4'])).stdout)).toMatchObject({ payload: { messageId: 'm2' } });
    expect(
      (await on(dir, ['queue', 'export'])).stdout.split('\n').map((line) => /"messageId":"(\w+)"/.exec(line)?.[1]),
    ).toEqual(['m1', 'm2', 'm3', undefined]);
    expect((await on(dir, ['dead', 'list'])).stdout).toMatch(/\n1 .* refused: Not authorized \(0x87\) +2 .* d1\n2 /);
    expect(JSON.parse((await on(dir, ['dead', 'show', '2'])).stdout)).toMatchObject({ payload: { messageId: 'd2' } });
    expect(await jsonOf(dir, ['status'])).toMatchObject({
      queue: { messages: 3, deadLetters: 2 },
      gaps: { untold: 0 },
    });
    expect(existsSync(join(dir, 'running'))).toBe(false);
  });

  it('retries and discards dead letters, and purges', async () => {
    const dir = await stoppedFolder();
    expect(await on(dir, ['dead', 'retry', '2'])).toMatchObject({ exitCode: 0, stdout: '2 is back in the queue\n' });
    expect(await on(dir, ['dead', 'discard', '--all', '--yes'])).toMatchObject({
      exitCode: 0,
      stdout: '1 is discarded, to be told as a gap\n',
    });
    expect((await on(dir, ['queue', 'purge'])).exitCode).toBe(2);
    expect(await jsonOf(dir, ['queue', 'purge', '--yes', '--entity', 'alerts'])).toEqual({ purged: 1, remaining: 3 });
    expect(await jsonOf(dir, ['status'])).toMatchObject({
      queue: { messages: 3, deadLetters: 0 },
      gaps: {
        ranges: [
          { entity: 'alerts', from: 1, to: 1, reason: 'dropped' },
          { entity: 'crew', from: 1, to: 1, reason: 'discarded' },
        ],
      },
    });
    const gone = await on(dir, ['dead', 'retry', '1']);
    expect([gone.exitCode, gone.stderr]).toEqual([6, '1: There is no dead letter 1.\n']);
    expect((await on(dir, ['queue', 'show', '1'])).exitCode).toBe(6);
  });

  it.runIf(existsSync('/dev/full'))('says that an export to a full disk is not complete', async () => {
    const folder = ['--queue-dir', await stoppedFolder()];
    const into = (...args: string[]) => CommandLine.runInto('/dev/full', [...args, ...folder]);
    const { exitCode, stderr } = await into('queue', 'export');
    expect([exitCode, stderr]).toEqual([
      1,
      'The result cannot be written: ENOSPC: no space left on device, write. The export is not complete: 0 messages written.\n',
    ]);
    const listed = await into('queue', 'list', '--json');
    expect(listed.exitCode).toBe(1);
    expect(JSON.parse(listed.stderr)).toMatchObject({ error: { code: 'failed', exitCode: 1 } });
    expect((await CommandLine.runInto('/dev/full', ['--help'])).exitCode).toBe(1);
  });

  it('exports into a file as into a pipe', async () => {
    const dir = await stoppedFolder();
    const file = join(temporaryFolder(), 'queue.jsonl');
    expect(await CommandLine.runInto(file, ['queue', 'export', '--queue-dir', dir])).toMatchObject({
      ...{ exitCode: 0, stderr: '3 messages exported.\n' },
    });
    expect(readFileSync(file, 'utf8')).toBe((await on(dir, ['queue', 'export'])).stdout);
  });

  it('keeps what is kept for those who missed it, whatever the limits of the service are', async () => {
    const dir = await stoppedFolder();
    const open = async () => {
      const journal = { maxAgeS: 1_000_000_000_000, maxBytes: 1_000_000 };
      const { queue } = watch((limits, clock, logger) => new DiskQueue({ ...limits, dir, journal }, clock, logger));
      await queue.open(VESSEL);
      return queue;
    };
    const before = await open();
    before.remove([take(before)]);
    await before.close();
    expect(await jsonOf(dir, ['queue', 'purge', '--yes'])).toEqual({ purged: 2, remaining: 0 });
    const { history } = await open();
    expect(history.delivered('crew', { from: 1, to: 9 }, { records: 9, bytes: 9000 })).toHaveLength(1);
  });

  it('refuses a folder that a service has open, and says what to do', async () => {
    const dir = await stoppedFolder();
    const service = await ServiceProcess.start({
      MQTT_QUEUE_DIR: dir,
      MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`,
    });
    for (const args of [['status'], ['queue', 'purge', '--yes'], ['queue', 'new-epoch', '--yes'], ['dead', 'list']]) {
      const { exitCode, stdout, stderr } = await on(dir, args);
      expect([exitCode, stdout]).toEqual([7, '']);
      expect(stderr).toMatch(
        /^The queue in .* is open in process \d+\. Work on the running service with --url, or stop it first\.\n$/,
      );
    }
    expect((await service.health()).mqtt.queuedMessages).toBe(3);
  });

  it('refuses a folder without a queue, and makes none', async () => {
    const dir = join(temporaryFolder(), 'nowhere');
    for (const args of [['status'], ['queue', 'new-epoch', '--yes']]) {
      const { exitCode, stderr } = await on(dir, args);
      expect([exitCode, stderr]).toEqual([6, expect.stringMatching(/There is no queue in .*MQTT_QUEUE_DIR/)]);
    }
    expect(existsSync(dir)).toBe(false);
  });

  // Only root can give a file away; for anybody else the folder of another user cannot even be read.
  it.runIf(process.getuid?.() === 0)('works as the owner of the folder, and leaves nothing of root there', async () => {
    const dir = await stoppedFolder();
    const owner = 4711;
    for (const name of ['', ...readdirSync(dir)]) chownSync(join(dir, name), owner, owner);
    // As systemd keeps them: nobody but root gets in.
    chmodSync(join(dir, '..'), 0o700);
    expect(await jsonOf(dir, ['queue', 'purge', '--yes'])).toEqual({ purged: 3, remaining: 0 });
    expect(await jsonOf(dir, ['queue', 'new-epoch', '--yes'])).toMatchObject({ messages: 0, deadLetters: 2 });
    expect(readdirSync(dir).map((name) => [name, statSync(join(dir, name)).uid])).toEqual(
      readdirSync(dir).map((name) => [name, owner]),
    );
  });

  it('asks before a new epoch', async () => {
    const dir = await stoppedFolder();
    const { exitCode, stderr } = await on(dir, ['queue', 'new-epoch']);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/ends epoch \d+ of 3 messages of mv-test.*--yes/)]);
  });
});

describeWithMosquitto('a queue that was restored from a backup', () => {
  it('goes on in a new epoch, with what waits under the ids that it had', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const folder = temporaryFolder();
    const dir = join(folder, 'queue');
    const away = { MQTT_QUEUE_DIR: dir, MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}` };
    const change = (key: string) => ({ entity: 'crew', operation: 'update', key, data: { id: key }, retain: false });
    const run = async (env: typeof away, work: (service: ServiceProcess) => Promise<unknown>) => {
      const service = await ServiceProcess.start(env);
      await work(service);
      service.signal('SIGTERM');
      expect(await service.exit()).toBe(0);
    };

    await run(away, (service) => service.post([change('1'), change('2')]));
    cpSync(dir, join(folder, 'backup'), { recursive: true });
    const connected = { ...away, MQTT_BROKER_URL: broker.url };
    await run(connected, async (service) => {
      await service.post(change('3'));
      await shore.has(3);
    });
    const { epoch } = shore.changes[0]!;

    renameSync(dir, join(folder, 'before'));
    cpSync(join(folder, 'backup'), dir, { recursive: true });
    const begun = (await jsonOf(dir, ['queue', 'new-epoch', '--yes'])) as { after: { epoch: number } };
    expect(begun).toMatchObject({ before: { epoch }, messages: 2 });
    await run(connected, async (service) => {
      await service.post(change('4'));
      await shore.has(4);
    });
    const told = shore.changes.map(({ key, epoch, sequence }) => [key, epoch, sequence]);
    const { after } = begun;
    expect(told).toEqual([
      ...[
        ['1', epoch, 1],
        ['2', epoch, 2],
        ['3', epoch, 3],
      ],
      ...[
        ['1', after.epoch, 1],
        ['2', after.epoch, 2],
        ['4', after.epoch, 3],
      ],
    ]);
    const ids = shore.changes.map(({ messageId }) => messageId);
    expect(ids.slice(3, 5)).toEqual(ids.slice(0, 2));
  });
});

import { describe, expect, it } from 'vitest';
import type { QueueDocument } from '../../src/service/operator/queue-document.js';
import { CommandLine } from '../helpers/command-line.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';

async function start(env: Environment) {
  const service = await ServiceProcess.start({ MQTT_BROKER_URL: 'mqtt://127.0.0.1:1', ...env });
  return (...args: readonly string[]) => CommandLine.run([...args, '--url', service.url!]);
}

describe('the command line on a service whose queue is not open', () => {
  it('says that nothing is known of it, not that it is empty', async () => {
    const run = await start({ MQTT_QUEUE_DIR: '/dev/null/queue' });
    const { exitCode, stdout } = await run('status');
    expect(exitCode).toBe(5);
    for (const label of ['queue', 'dead letters', 'gaps']) {
      expect(stdout).toMatch(new RegExp(`^${label} +unknown: the queue is not open$`, 'm'));
    }
    const { queue } = JSON.parse((await run('status', '--json')).stdout) as QueueDocument;
    expect(queue.open).toBe(false);
    const stats = await run('queue', 'stats');
    expect(stats.stdout).toMatch(/^normal +- +- +-$/m);
    expect(stats.stdout).toMatch(/^in all +unknown: the queue is not open$/m);
    const list = await run('dead', 'list');
    expect([list.exitCode, list.stderr]).toEqual([8, 'The queue is not open: see the log for the reason.\n']);
  });

  it('says that it is not in use while sync is off', async () => {
    const run = await start({ LOCAL_MODE: 'false', MQTT_QUEUE_DIR: temporaryFolder() });
    const { stdout } = await run('status');
    expect(stdout).toMatch(/^queue +not in use: sync is off /m);
    expect(stdout).toMatch(/^dead letters +not in use: sync is off$/m);
  });
});

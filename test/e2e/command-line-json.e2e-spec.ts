import { describe, expect, it } from 'vitest';
import { CommandLine } from '../helpers/command-line.js';
import { freePort } from '../helpers/ports.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { stoppedFolder } from '../helpers/stopped-folder.js';

const TOKEN = 'bosun-7-secret';

/** Runs a command for a program, and reads what it says on standard error. */
async function fault(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await CommandLine.run([...args, '--json'], { SYNC_INGRESS_TOKEN: TOKEN });
  const documents = stderr.trimEnd().split('\n');
  const { error } = JSON.parse(documents.at(-1)!) as { error: { code: string; exitCode: number; message: string } };
  expect([error.exitCode, stdout]).toEqual([exitCode, '']);
  expect(stderr).not.toContain(TOKEN);
  return error;
}

describe('the errors of the command line in JSON', () => {
  it('have a code for each exit code', async () => {
    const MQTT_QUEUE_DIR = temporaryFolder();
    const MQTT_BROKER_URL = `mqtt://127.0.0.1:${await freePort()}`;
    const service = await ServiceProcess.start({ MQTT_QUEUE_DIR, MQTT_BROKER_URL, SYNC_INGRESS_TOKEN: 'another' });
    const { url = '' } = service;
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    expect(await fault('status', '--url', nowhere)).toMatchObject({ code: 'unreachable', exitCode: 3 });
    expect(await fault('dead', 'list', '--url', url)).toMatchObject({ code: 'unauthorised', exitCode: 4 });
    expect(await fault('queue', 'stats', '--queue-dir', MQTT_QUEUE_DIR)).toMatchObject({ code: 'locked', exitCode: 7 });
    expect(await fault('status', '--queue-dir', temporaryFolder())).toMatchObject({ code: 'not_found', exitCode: 6 });
  });

  it('stand beside notes, which are JSON too', async () => {
    const dir = await stoppedFolder();
    const args = ['dead', 'retry', '1', '99', '--queue-dir', dir, '--json'];
    const { exitCode, stdout, stderr } = await CommandLine.run(args);
    expect(exitCode).toBe(6);
    for (const line of stderr.split('\n').filter(Boolean)) expect(() => JSON.parse(line) as unknown).not.toThrow();
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
  });
});

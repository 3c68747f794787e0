import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeadLetterList } from '../../src/service/dead-letters/dead-letters.controller.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { contentOf, runbook, runbookCommands, runDocumented } from '../helpers/runbook.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { stoppedFolder } from '../helpers/stopped-folder.js';

describeWithMosquitto('the commands of the runbook', () => {
  it('show a service at first look', async () => {
    const broker = await Mosquitto.start();
    const service = await ServiceProcess.start({ MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: temporaryFolder() });
    await service.untilHealth('a healthy service', ({ status }) => status === 'healthy');
    const shown = runbook('first look', { url: service.url! });
    expect(shown).toMatch(/^mv-test healthy\n/);
    expect(shown).toContain('"status":"healthy"');
    expect(shown).toMatch(/^arus_mqtt_connection_status.* 1$/m);
  });

  it('list, retry and discard dead letters', async () => {
    const broker = await Mosquitto.start();
    const dir = await stoppedFolder();
    const service = await ServiceProcess.start({ MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: dir });
    const { url = '' } = service;
    const listed = () => JSON.parse(runbook('dead letters', { url })) as DeadLetterList;
    const [retried, discarded] = listed().deadLetters;
    expect(listed().deadLetters).toMatchObject([{ messageId: 'd1', reason: 'refused', reasonCode: 135 }, {}]);
    const positions = { POSITION: String(retried!.position), OTHER_POSITION: String(discarded!.position) };
    runbook('retry and discard', { url, ...positions });
    expect(listed().deadLetters).toEqual([]);
  });

  it('write over no backup, and over nothing that a restore has put aside', async () => {
    const dir = await stoppedFolder();
    const BACKUP = join(temporaryFolder(), 'backup');
    const variables = { MQTT_QUEUE_DIR: dir, BACKUP };
    runbook('backup', variables);
    const saved = readdirSync(BACKUP, { recursive: true });
    expect(() => runbook('backup', variables)).toThrow(/File exists/);
    expect(readdirSync(BACKUP, { recursive: true })).toEqual(saved);
    runbook('restore', variables);
    const before = await contentOf(dir);
    expect(() => runbook('restore', variables)).toThrow(/not empty/);
    expect(await contentOf(dir)).toEqual(before);
  });

  it('make a backup, restore it, and give it a new epoch', async () => {
    const dir = await stoppedFolder();
    const BACKUP = join(temporaryFolder(), 'backup');
    const variables = { MQTT_QUEUE_DIR: dir, BACKUP };
    const before = await contentOf(dir);
    runbook('backup', variables);
    runbook('restore', variables);
    expect(existsSync(`${dir}.before`)).toBe(true);
    expect(await contentOf(dir)).toEqual(before);
    // It asks, and there is nobody to answer.
    expect(() => runbook('new epoch', variables)).toThrow(/--yes/);
    const command = runbookCommands('new epoch').trim();
    expect(command).toMatch(/^arus-mqtt-sync queue new-epoch --queue-dir "\$MQTT_QUEUE_DIR"$/);
    runDocumented(`${command} --yes`, variables);
    const after = await contentOf(dir);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(after.messages).toBe(before.messages);
  });
});

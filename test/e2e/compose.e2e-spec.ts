import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { composedEnvironment, composeFile } from '../helpers/compose.js';
import { PROJECT, runCommands } from '../helpers/documented-commands.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { projectText } from '../helpers/project-files.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { Shore } from '../helpers/shore.js';
import { until } from '../helpers/wait.js';

const TOKEN = 'boatswain-1';
const { services } = composeFile('docker-compose.yml');

/** Started by root, a broker changes to a user who may not write to the folder of a test. */
const asItself = (): string => (process.getuid?.() === 0 ? '\nuser root' : '');

/** The broker of the Compose file: its configuration, with folders and port of this machine. */
function tryBroker(): Promise<Mosquitto> {
  return Mosquitto.start({
    whole: (folder, port) => {
      mkdirSync(join(folder, 'data'));
      return projectText('deploy/mosquitto/try.conf')
        .replace('/mosquitto/config', join(PROJECT, 'deploy/mosquitto'))
        .replace('/mosquitto/data', join(folder, 'data'))
        .replace(/^listener 1883$/m, `listener ${port} 127.0.0.1${asItself()}`);
    },
  });
}

/** The service of the Compose file, with what is set where Compose is started. */
async function startService(broker: Mosquitto, set: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
  const environment = composedEnvironment(services['sync']!, { SYNC_INGRESS_TOKEN: TOKEN, ...set });
  const brokerUrl = environment['MQTT_BROKER_URL']!.replace('//mosquitto:1883', `//127.0.0.1:${broker.port}`);
  return ServiceProcess.start({ ...environment, MQTT_BROKER_URL: brokerUrl, MQTT_QUEUE_DIR: temporaryFolder() });
}

describeWithMosquitto('service and broker of docker-compose.yml', () => {
  it('pass the smoke test that the file names', async () => {
    const broker = await tryBroker();
    const service = await startService(broker);
    const command = /docker compose exec sync (node .*)$/m.exec(projectText('docker-compose.yml'))![1]!;
    const here = command
      .replace('http://127.0.0.1:5000', service.url!)
      .replace('//mosquitto:1883', `//127.0.0.1:${broker.port}`);
    expect(here).not.toBe(command);
    expect(runCommands(`SYNC_INGRESS_TOKEN=${TOKEN} ${here}`, PROJECT)).toMatch(/^PASS: \d+ checks$/m);
  });

  it('pass the smoke test that README.md names', async () => {
    const broker = await tryBroker();
    const service = await startService(broker);
    const command = /npm run smoke -- --url http:\/\/127\.0\.0\.1:5000 --broker mqtt:\/\/127\.0\.0\.1:1883$/m;
    const here = command
      .exec(projectText('README.md'))![0]
      .replace('http://127.0.0.1:5000', service.url!)
      .replace(':1883', `:${broker.port}`);
    expect(runCommands(`SYNC_INGRESS_TOKEN=${TOKEN} ${here}`, PROJECT)).toMatch(/^PASS: \d+ checks$/m);
  });

  it('keep what was published over a restart of the broker', async () => {
    const broker = await tryBroker();
    const service = await startService(broker);
    const change = { entity: 'crew', operation: 'create', key: 'C-1', data: { name: 'Ada' } };
    expect((await service.post(change, { Authorization: `Bearer ${TOKEN}` })).status).toBe(202);
    await service.untilHealth('the delivery', ({ detailedMetrics }) => detailedMetrics.messagesPublished === 1);
    await broker.stop();
    await broker.restart();
    const late = await Shore.listen(broker.url, 'vessel/sync/mv_example/up/crew');
    await until(() => late.received.length > 0, { what: 'the retained change' });
    expect(late.received[0]!.envelope).toMatchObject({ vesselId: 'mv_example', key: 'C-1', data: { name: 'Ada' } });
  });

  it('take what is set where Compose is started', async () => {
    const service = await startService(await tryBroker(), { MQTT_MAX_QUEUE_SIZE: '77', VESSEL_ID: 'mv-aurora' });
    const { mqtt } = await service.untilHealth('the connection', (health) => health.mqtt.status === 'connected');
    expect(mqtt.maxQueueSize).toBe(77);
    expect(mqtt.topics).toContain('vessel/sync/mv-aurora/up/alerts');
  });
});

import { expect, it } from 'vitest';
import { documentedCommands } from '../helpers/documented-commands.js';
import { findProgram } from '../helpers/find-program.js';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { Mosquitto } from '../helpers/mosquitto.js';
import { describeWith } from '../helpers/programs.js';
import { runDocumented, type Variables } from '../helpers/runbook.js';
import { ServiceProcess, temporaryFolder } from '../helpers/service-process.js';

const SUBSCRIBER = findProgram('mosquitto_sub');
const PUBLISHER = findProgram('mosquitto_pub');
const TIMEOUT_MS = 90_000;

/** Our broker is not on port 1883, and nobody presses Ctrl-C: so many messages end it. */
const programs = {
  mosquitto_sub: `#!/bin/sh\nexec stdbuf -oL ${SUBSCRIBER} -p "$BROKER_PORT" -C "$MESSAGES" -W 30 "$@"\n`,
  mosquitto_pub: `#!/bin/sh\nexec ${PUBLISHER} -p "$BROKER_PORT" "$@"\n`,
  npx: '#!/bin/sh\nexec "$@"\n',
};

const readme = (name: string): string => documentedCommands('README.md', name);

/** A service and its broker, and how commands of the document are run on them. */
async function scene(broker?: Mosquitto, vesselId = 'mv-aurora') {
  broker ??= await Mosquitto.start();
  const env = { MQTT_BROKER_URL: broker.url, VESSEL_ID: vesselId };
  const service = await ServiceProcess.start({
    ...env,
    MQTT_QUEUE_DIR: temporaryFolder(),
  });
  await service.untilHealth('a healthy service', ({ status }) => status === 'healthy');
  const variables = { ...env, BROKER_PORT: String(broker.port), url: service.url! };
  const run = (commands: string, more: Variables = {}) => runDocumented(commands, { ...variables, ...more }, programs);
  return { broker, service, run };
}

const needed = { mosquitto: findMosquitto(), mosquitto_sub: SUBSCRIBER, mosquitto_pub: PUBLISHER };

describeWith(needed, 'the commands of the README', () => {
  it(
    'post a change to the service and hear it at the broker',
    async () => {
      const { run } = await scene();
      const said = run(readme('first steps'), { MESSAGES: '2' });
      expect(said).toContain('"status":"healthy"');
      expect(said).toMatch(/vessel\/sync\/system\/status\/mv-aurora \{.*"status":"online"/m);
      expect(said).toMatch(/^vessel\/sync\/work_orders \{.*"key":"WO-1".*"sequence":1,/m);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['at the broker', readme('ask at the broker')],
    ['over HTTP', readme('ask over HTTP')],
  ])(
    'ask for the change of the first steps again, %s',
    async (_where, documented) => {
      const ship = await scene();
      ship.run(readme('first steps'), { MESSAGES: '2' });
      const office = await scene(ship.broker, 'office');
      // The request itself, the change, and the end of the answer. `-d` tells when the subscription stands: who asks before misses a part.
      const listen = `${readme('listen for what is sent again').trim()} -d > heard &`;
      const subscribed = 'for attempt in $(seq 300); do grep -q ^Subscribed heard && break; sleep 0.1; done';
      const ask = documented.replace('localhost:5001', 'localhost:5000');
      const heard = office.run(`cd "$FOLDER"\n${listen}\n${subscribed}\n${ask}\nwait; cat heard`, {
        MESSAGES: '3',
        FOLDER: temporaryFolder(),
      });
      expect(heard).toMatch(/^vessel\/sync\/catchup\/work_orders .*"key":"WO-1".*"sequence":1,/m);
      expect(heard).toMatch(/^vessel\/sync\/system\/gap\/mv-aurora .*"answered":\{"request":"[\w-]+","total":1,/m);
    },
    TIMEOUT_MS,
  );

  it(
    'look after the service',
    async () => {
      const { run } = await scene();
      const change = '{"entity":"work_orders","operation":"create","key":"WO-2","data":{}}';
      // `tail` ends with Ctrl-C only, and has tests of its own.
      const commands = readme('command line').replace(/^npx arus-mqtt-sync tail .*\n/m, '');
      const said = run(`cd "$FOLDER"\necho '${change}' > changes.jsonl\n${commands}`, { FOLDER: temporaryFolder() });
      expect(said).toMatch(/^(ok|warning) +round_trip /m);
      expect(said).toMatch(/^mv-aurora healthy$/m);
      expect(said).toContain('1 change accepted');
    },
    TIMEOUT_MS,
  );
});

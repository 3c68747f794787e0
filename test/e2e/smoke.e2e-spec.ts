import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { SmokeResult } from '../../src/service/smoke/smoke-report.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort, listen } from '../helpers/ports.js';
import { type Environment, metricOf, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { Shore } from '../helpers/shore.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

const ENTRY = fileURLToPath(new URL('../../dist/service/smoke/main.js', import.meta.url));
const TOKEN = 'boatswain-1';

/** Runs the smoke test as it is run, without waiting long for what will not come. */
async function smoke(args: readonly string[], env: Environment = {}) {
  const child = spawn(process.execPath, [ENTRY, '--timeout', '5', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, output };
}

async function connected(env: Environment) {
  const service = await ServiceProcess.start({
    MQTT_QUEUE_DIR: temporaryFolder(),
    SYNC_INGRESS_TOKEN: TOKEN,
    ...env,
  });
  await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
  return service;
}

describeWithMosquitto('the smoke test', () => {
  it('sends one change through the broker and back, and leaves nothing there', async () => {
    const broker = await Mosquitto.start();
    const service = await connected({ MQTT_BROKER_URL: broker.url, MQTT_TOPIC_PREFIX: 'vessel/sync/{vesselId}/up' });
    const { exitCode, output } = await smoke(['--url', service.url!, '--broker', broker.url], {
      SYNC_INGRESS_TOKEN: TOKEN,
    });
    expect([exitCode, output]).toEqual([
      0,
      expect.stringMatching(/^PASS {2}live[^]*seen at the broker[^]*\nPASS: 8 checks\n$/),
    ]);
    expect(output).not.toContain('FAIL');
    expect(output).not.toContain(TOKEN);
    expect(metricOf(await service.metrics(), 'arus_mqtt_queue_depth')).toBe(0);
    // Retained messages come with the subscription: the status is there, the probe is not.
    const late = await Shore.listen(broker.url, 'vessel/sync/#');
    await until(() => late.received.length > 0, { what: 'the retained status' });
    await service.post(
      { entity: 'crew', operation: 'create', key: 'last', data: {} },
      { Authorization: `Bearer ${TOKEN}` },
    );
    await until(() => late.changes.length > 0, { what: 'a change behind everything that was retained' });
    expect(late.received.map(({ envelope }) => envelope.entity)).toEqual(['system', 'crew']);
  });

  it('tells the time in JSON, and without a broker watches the counters and says so', async () => {
    const broker = await Mosquitto.start();
    const service = await connected({ MQTT_BROKER_URL: broker.url });
    const { exitCode, output } = await smoke(['--url', service.url!, '--json'], { SYNC_INGRESS_TOKEN: TOKEN });
    const result = JSON.parse(output) as SmokeResult;
    expect([exitCode, result.passed, result.witness]).toEqual([0, true, 'metrics']);
    expect(result.roundTripMs).toBeGreaterThanOrEqual(0);
    expect(result.checks.find(({ name }) => name === 'witness')?.detail).toContain('no --broker');
  });

  it('fails, and posts nothing, when the instance is not connected', async () => {
    const service = await ServiceProcess.start({
      MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`,
      MQTT_QUEUE_DIR: temporaryFolder(),
    });
    const { exitCode, output } = await smoke(['--url', service.url!]);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/PASS {2}ready[^]*FAIL {2}connected .*not connected to mqtt:\/\/127[^]*FAIL: 1 of 5 checks/);
    expect((await service.health()).mqtt.queuedMessages).toBe(0);
  });

  it('fails with a wrong token, or none', async () => {
    const broker = await Mosquitto.start();
    const service = await connected({ MQTT_BROKER_URL: broker.url });
    for (const env of [{ SYNC_INGRESS_TOKEN: 'wrong-token' }, {}] as Environment[]) {
      const { exitCode, output } = await smoke(['--url', service.url!, '--broker', broker.url], env);
      expect(exitCode).toBe(1);
      expect(output).toMatch(/FAIL {2}accepted +answered 401: .* <token>"; give the token by SYNC_INGRESS_TOKEN/);
      expect(output).not.toContain('wrong-token');
    }
  });

  it('fails when nobody listens at the URL, or somebody else does', async () => {
    const nobody = await smoke(['--url', `http://127.0.0.1:${await freePort()}`]);
    expect([nobody.exitCode, nobody.output]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}live +cannot be reached: ECONNREFUSED/),
    ]);
    const other = createServer((_request, response) => response.end('hello'));
    const port = await listen(other);
    onTestFinished(() => void other.close());
    const somebody = await smoke(['--url', `http://127.0.0.1:${port}`]);
    expect([somebody.exitCode, somebody.output]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}health +answered, but not with/),
    ]);
  });

  it('fails when its subscriber cannot reach the broker or may not enter, without the password', async () => {
    const broker = await Mosquitto.start({
      config: (folder) => `allow_anonymous false\npassword_file ${folder}/passwords`,
      users: { ship: 'hull', shore: 'lee-shore' },
    });
    const service = await connected({ MQTT_BROKER_URL: broker.url, MQTT_USERNAME: 'ship', MQTT_PASSWORD: 'hull' });
    const away = `mqtt://127.0.0.1:${await freePort()}`;
    const unreachable = await smoke(['--url', service.url!, '--broker', away], { SYNC_INGRESS_TOKEN: TOKEN });
    expect([unreachable.exitCode, unreachable.output]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}witness .*ECONNREFUSED/),
    ]);
    const args = ['--url', service.url!, '--broker', broker.url, '--username', 'shore'];
    const refused = await smoke(args, { SYNC_INGRESS_TOKEN: TOKEN, MQTT_PASSWORD: 'wrong-password' });
    expect([refused.exitCode, refused.output]).toEqual([1, expect.stringMatching(/FAIL {2}witness .*Not authorized/)]);
    expect(refused.output).not.toContain('wrong-password');
    const admitted = await smoke(args, { SYNC_INGRESS_TOKEN: TOKEN, MQTT_PASSWORD: 'lee-shore' });
    expect([admitted.exitCode, admitted.output]).toEqual([0, expect.stringContaining('PASS: 8 checks')]);
  });

  it('fails when the probe does not come through in time', async () => {
    const broker = await Mosquitto.start();
    const proxy = await TcpProxy.start(broker.port);
    const service = await connected({ MQTT_BROKER_URL: proxy.url });
    proxy.blackHole();
    const watched = await smoke(['--url', service.url!, '--broker', broker.url], { SYNC_INGRESS_TOKEN: TOKEN });
    expect([watched.exitCode, watched.output]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}delivered +not seen at the broker within 5 s/),
    ]);
    const counted = await smoke(['--url', service.url!], { SYNC_INGRESS_TOKEN: TOKEN });
    expect([counted.exitCode, counted.output]).toEqual([
      1,
      expect.stringMatching(/FAIL {2}delivered +not acknowledged within 5 s, 2 in/),
    ]);
  });

  it('explains itself, and says what is wrong with its arguments', async () => {
    const help = await smoke(['--help']);
    expect([help.exitCode, help.output]).toEqual([0, expect.stringContaining('Exit code: 0 all passed')]);
    const wrong = await smoke(['--broker', 'mqtt://x']);
    expect([wrong.exitCode, wrong.output]).toEqual([64, expect.stringMatching(/--url is missing.*--help/)]);
  });
});

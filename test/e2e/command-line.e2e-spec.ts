import { statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SyncHealthModule } from '../../src/health/sync-health.module.js';
import type { ChangeEnvelope } from '../../src/mqtt-sync/wire/envelope.js';
import type { CheckStep } from '../../src/service/cli/check/check-step.js';
import type { OperatorView } from '../../src/service/operator/operator-view.js';
import type { MessageList } from '../../src/service/queue/messages.controller.js';
import { CommandLine } from '../helpers/command-line.js';
import { PROJECT } from '../helpers/documented-commands.js';
import { FakeSync, FakeSyncModule } from '../helpers/fake-sync.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort, listen } from '../helpers/ports.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { Shore } from '../helpers/shore.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

const TOKEN = 'bosun-7-secret';
const AUTHORISED = { SYNC_INGRESS_TOKEN: TOKEN };

const change = (key: string, more: object = {}) => ({
  ...{ entity: 'crew', operation: 'update', key, data: { id: key } },
  ...more,
});
const linesOf = (changes: readonly object[]) => changes.map((one) => `${JSON.stringify(one)}\n`).join('');

async function start(env: Environment = {}): Promise<ServiceProcess> {
  return ServiceProcess.start({
    MQTT_QUEUE_DIR: temporaryFolder(),
    ...AUTHORISED,
    ...env,
  });
}

async function startAway(env: Environment = {}): Promise<ServiceProcess> {
  return start({ MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`, ...env });
}

/** A link to a broker that does not carry yet, and who listens at its other end. */
async function closedLink() {
  const broker = await Mosquitto.start();
  const proxy = await TcpProxy.start(broker.port);
  await proxy.refuse();
  return { proxy, shore: await Shore.listen(broker.url) };
}

/** Runs a command on a service. */
function on(service: ServiceProcess, args: readonly string[], input = '') {
  return CommandLine.run([...args, '--url', service.url!], AUTHORISED, input);
}

const post = (service: ServiceProcess, changes: unknown) => service.post(changes, { Authorization: `Bearer ${TOKEN}` });

describe('the command line on a running service without a broker', () => {
  it('tells how it is, and that it is degraded', async () => {
    const service = await startAway();
    await post(service, change('1'));
    const shown = await on(service, ['status']);
    expect([shown.exitCode, shown.stderr]).toEqual([5, '']);
    expect(shown.stdout).toMatch(
      /^mv-test degraded\nreasons +not_connected.*\nconnection .*not connected to mqtt:\/\/127/,
    );
    expect(shown.stdout).toMatch(/\nqueue +1 message, \d+ B, oldest /);
    const json = await on(service, ['status', '--json']);
    expect([json.exitCode, JSON.parse(json.stdout)]).toMatchObject([
      5,
      { service: { vesselId: 'mv-test' }, health: { reasons: ['not_connected'] }, queue: { messages: 1 } },
    ]);
  });

  it('says that a restart loses what waits where the queue is in memory', async () => {
    const service = await startAway({ MQTT_QUEUE_STORE: 'memory' });
    const { stdout } = await on(service, ['status']);
    expect(stdout).toMatch(/\nqueue +empty, in memory, lost with a restart\n/);
  });

  it('lists, shows and counts what waits', async () => {
    const service = await startAway();
    await post(service, [change('1', { messageId: 'm-1' }), { ...change('2'), entity: 'alerts' }, change('3')]);
    const list = await on(service, ['queue', 'list']);
    expect([list.exitCode, list.stderr]).toEqual([0, '3 messages shown, 3 in the queue.\n']);
    expect(list.stdout.split('\n')).toHaveLength(5);
    expect(list.stdout).toMatch(
      /^position +accepted .*\n1 .* crew +update +1 +normal +1 .* m-1\n2 .* alerts .* critical +2 /,
    );

    const page = await on(service, ['queue', 'list', '--limit', '1', '--json']);
    const { total, messages, next } = JSON.parse(page.stdout) as MessageList;
    expect([total, messages.length, next]).toEqual([3, 1, 1]);
    const rest = await on(service, ['queue', 'list', '--after', String(next), '--entity', 'crew', '--json']);
    expect(JSON.parse(rest.stdout)).toMatchObject({ messages: [{ key: '3', lane: 'normal' }] });

    const one = await on(service, ['queue', 'show', '1']);
    expect(JSON.parse(one.stdout)).toMatchObject({ messageId: 'm-1', payload: { sequence: 1, data: { id: '1' } } });
    const none = await on(service, ['queue', 'show', '99']);
    expect([none.exitCode, none.stdout, none.stderr]).toEqual([
      6,
      '',
      expect.stringContaining('There is no message 99'),
    ]);

    const stats = await on(service, ['queue', 'stats']);
    expect([stats.exitCode, stats.stdout]).toEqual([0, expect.stringMatching(/critical +1 [^]*in all +3 messages/)]);
    const numbers = await on(service, ['queue', 'stats', '--json']);
    expect(JSON.parse(numbers.stdout)).toMatchObject({ queue: { lanes: { normal: { messages: 2 } } } });
  });

  it('exports the queue so that it can be published elsewhere, with the same ids', async () => {
    const service = await startAway();
    await post(service, [
      change('1', { messageId: 'm-1', qos: 2, retain: false }),
      { entity: 'crew', operation: 'delete', key: '2', messageId: 'm-2' },
      { entity: 'fuel', operation: 'create', data: [1], messageId: 'm-3' },
    ]);
    const { exitCode, stdout, stderr } = await on(service, ['queue', 'export']);
    expect([exitCode, stderr]).toEqual([0, '3 messages exported.\n']);
    const file = join(temporaryFolder(), 'queue.jsonl');
    writeFileSync(file, stdout);

    const other = await startAway();
    expect(await on(other, ['publish', file])).toMatchObject({ exitCode: 0, stdout: '3 changes accepted.\n' });
    expect((await on(other, ['queue', 'export'])).stdout).toBe(stdout);
    const fuel = await on(service, ['queue', 'export', '--entity', 'fuel']);
    expect(
      fuel.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([{ entity: 'fuel', operation: 'create', messageId: 'm-3', qos: 1, retain: true, data: [1] }]);
  });

  it('purges only when it is told to, and what goes is told as gaps', async () => {
    const service = await startAway();
    await post(service, [change('1'), change('2'), { ...change('3'), entity: 'fuel' }]);
    const refused = await on(service, ['queue', 'purge']);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/everything .* mv-test .*--yes/)]);
    const some = await on(service, ['queue', 'purge', '--yes', '--entity', 'crew']);
    expect([some.exitCode, some.stdout]).toEqual([0, '2 messages purged, to be told as gaps; 1 in the queue.\n']);
    expect(JSON.parse((await on(service, ['queue', 'purge', '-y', '--json'])).stdout)).toEqual({
      purged: 1,
      remaining: 0,
    });
    const { stdout } = await on(service, ['status', '--json']);
    expect((JSON.parse(stdout) as OperatorView).gaps).toEqual({
      untold: 3,
      ranges: [
        { entity: 'crew', from: 1, to: 2, reason: 'dropped' },
        { entity: 'fuel', from: 1, to: 1, reason: 'dropped' },
      ],
    });
    expect((await service.health()).detailedMetrics.messagesDropped).toBe(3);
  });

  it('says which lines are no changes and why, and publishes the others in order', async () => {
    const service = await startAway();
    const input = [
      JSON.stringify(change('1')),
      'my secret diary',
      '',
      '[]',
      JSON.stringify({ entity: 'No Such', operation: 'update', data: 1 }),
      JSON.stringify(change('2', { colour: 'blue' })),
      JSON.stringify(change('3', { data: 'x'.repeat(300_000) })),
      JSON.stringify(change('4')),
    ].join('\n');
    const { exitCode, stdout, stderr } = await on(service, ['publish'], input);
    expect([exitCode, stdout]).toEqual([1, '2 changes accepted, 5 bad lines.\n']);
    // In the order of the file: what the service refuses comes when it has been asked.
    for (const expected of [
      /^Line 2: it is not JSON/m,
      /^Line 4: it is not an object/m,
      /^Line 5: Entity type "No Such" is not valid/m,
      /^Line 6: The change is not valid: unknown field "colour"/m,
      /^Line 7: .* takes \d+ bytes, the limit is 262144/m,
    ]) {
      expect(stderr).toMatch(expected);
    }
    expect(stderr).not.toContain('diary');
    const list = JSON.parse((await on(service, ['queue', 'list', '--json'])).stdout) as MessageList;
    expect(list.messages.map(({ key }) => key)).toEqual(['1', '4']);
  });

  it('tells bad lines as JSON, and stops at the first one, if that is wanted', async () => {
    const service = await startAway();
    const input = `${linesOf([change('1'), change('2')])}nonsense\n${linesOf([change('3')])}`;
    const stopped = await on(service, ['publish', '-', '--json', '--stop-at-bad-line'], input);
    expect(stopped.exitCode).toBe(1);
    expect(
      stopped.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([
      { line: 3, error: expect.stringContaining('not JSON') as string },
      { accepted: 2, bad: 1, complete: false, nextLine: 3 },
    ]);
    const resumed = await on(service, ['publish', '-', '--from-line', '4'], input);
    expect([resumed.exitCode, resumed.stdout]).toEqual([0, '1 change accepted.\n']);
  });

  it('says that there was nothing to publish from a line on that the file does not have', async () => {
    const service = await startAway();
    const input = linesOf([change('1'), change('2')]);
    const beyond = await on(service, ['publish', '--from-line', '99'], input);
    expect(beyond).toEqual({
      ...{ exitCode: 0, stdout: '0 changes accepted.\n', stderr: 'The last line is 2: there is none from 99 on.\n' },
    });
    expect(await on(service, ['publish', '--from-line', '2'], input)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await on(service, ['publish'], '')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await on(service, ['publish', '--from-line', '2'], '')).toMatchObject({
      stderr: 'There is no line at all.\n',
    });
  });

  it('says that sync is off where there is no queue, and not to try again later', async () => {
    const service = await startAway({ LOCAL_MODE: 'false' });
    for (const args of [
      ['queue', 'list'],
      ['queue', 'export'],
      ['queue', 'purge', '-y'],
      ['dead', 'list'],
      ['publish'],
    ]) {
      const { exitCode, stderr } = await on(service, args, linesOf([change('1')]));
      expect([args, exitCode, stderr]).toEqual([args, 1, expect.stringMatching(/^Sync is off \(LOCAL_MODE=false\): /)]);
    }
  });

  it('publishes a change with an id once, and what comes slowly as it comes', async () => {
    const service = await startAway();
    const one = linesOf([change('1', { messageId: 'once' })]);
    const publishing = CommandLine.spawn(['publish', '--url', service.url!], AUTHORISED).write(one);
    await service.untilHealth('the change', ({ mqtt }) => mqtt.queuedMessages === 1);
    publishing.write(one).endInput();
    expect(await publishing.end()).toMatchObject({ exitCode: 0, stdout: '2 changes accepted.\n' });
    expect((await service.health()).mqtt.queuedMessages).toBe(1);
  });

  it('ends a publication on SIGINT, and says where it is', async () => {
    const service = await startAway();
    const publishing = CommandLine.spawn(['publish', '--url', service.url!], AUTHORISED).write(linesOf([change('1')]));
    await service.untilHealth('the change', ({ mqtt }) => mqtt.queuedMessages === 1);
    publishing.signal('SIGINT');
    const { exitCode, stdout, stderr } = await publishing.end();
    expect([exitCode, stdout, stderr]).toEqual([
      130,
      '1 change accepted. Resume with --from-line 2.\n',
      'Interrupted.\n',
    ]);
  });

  it('goes on where a service comes back, and loses and repeats nothing', async () => {
    const env = { PORT: String(await freePort()), MQTT_QUEUE_DIR: temporaryFolder(), MQTT_MAX_QUEUE_SIZE: '100000' };
    const first = await startAway(env);
    const publishing = CommandLine.spawn(['publish', '--url', first.url!], AUTHORISED);
    publishing.write(linesOf(Array.from({ length: 700 }, (_, at) => change(String(at)))));
    await first.untilHealth('the first changes', ({ mqtt }) => mqtt.queuedMessages === 700);
    await first.kill();
    publishing.write(linesOf(Array.from({ length: 700 }, (_, at) => change(String(700 + at))))).endInput();
    await publishing.untilSaid(/Waiting: No answer from/);
    const second = await startAway(env);
    expect(await publishing.end()).toMatchObject({ exitCode: 0, stdout: '1,400 changes accepted.\n' });
    const list = JSON.parse((await on(second, ['queue', 'list', '--limit', '9999', '--json'])).stdout) as MessageList;
    expect(list.messages.map(({ key }) => Number(key))).toEqual(Array.from({ length: 1400 }, (_, at) => at));
  });

  it('gives up after its patience, with what it needs to resume', async () => {
    const service = await startAway({ MQTT_MAX_QUEUE_SIZE: '10', MQTT_OVERFLOW_POLICY: 'reject' });
    const input = linesOf(Array.from({ length: 11 }, (_, at) => change(String(at))));
    const { exitCode, stdout, stderr } = await on(service, ['publish', '--patience', '1'], input);
    expect([exitCode, stdout]).toEqual([8, '0 changes accepted. Resume with --from-line 1.\n']);
    expect(stderr).toMatch(/no room/);
  });

  it('stops where its reader has seen enough, and calls no export complete that is not', async () => {
    const service = await startAway();
    const changes = Array.from({ length: 500 }, (_, at) => change(String(at), { data: 'x'.repeat(2000) }));
    await post(service, changes);
    const exporting = CommandLine.spawn(['queue', 'export', '--url', service.url!], AUTHORISED).readBeginning();
    const { exitCode, stderr } = await exporting.end();
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/^Whoever reads has gone\. The export is not complete: \d{1,2} messages? written\.\n$/),
    ]);
    const listing = CommandLine.spawn(['queue', 'list', '--limit', '9999', '--url', service.url!], AUTHORISED);
    expect((await listing.readBeginning().end()).exitCode).toBe(0);
  });
});

describeWithMosquitto('the command line on a running service', () => {
  it('tells that all is well', async () => {
    const broker = await Mosquitto.start();
    const service = await start({ MQTT_BROKER_URL: broker.url });
    await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    const { exitCode, stdout } = await on(service, ['status']);
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^mv-test healthy\nconnection +connected to .*MQTT 5\n/),
    ]);
  });

  it('waits while the queue is full, and publishes everything', async () => {
    const { proxy, shore } = await closedLink();
    const service = await start({
      MQTT_BROKER_URL: proxy.url,
      ...{ MQTT_MAX_QUEUE_SIZE: '600', MQTT_OVERFLOW_POLICY: 'reject', MQTT_RECONNECT_MAX_S: '1' },
    });
    const input = linesOf(Array.from({ length: 1500 }, (_, at) => change(String(at % 7), { data: { at } })));
    const publishing = CommandLine.spawn(['publish', '--url', service.url!], AUTHORISED).write(input).endInput();
    await publishing.untilSaid(/Waiting: .*no room/);
    await proxy.accept();
    expect(await publishing.end()).toMatchObject({ exitCode: 0, stdout: '1,500 changes accepted.\n' });
    await shore.has(1500);
    expect(shore.changes.map(({ data }) => (data as { at: number }).at)).toEqual(
      Array.from({ length: 1500 }, (_, at) => at),
    );
  });

  it('lists, shows, retries and discards dead letters', async () => {
    const broker = await Mosquitto.start({ config: 'allow_anonymous true\nmax_packet_size 2000' });
    const service = await start({ MQTT_BROKER_URL: broker.url });
    const large = { data: 'x'.repeat(4000) };
    await post(service, [change('1', { ...large, messageId: 'd-1' }), change('2', large), change('3', large)]);
    await until(async () => /"deadLetters": 3/.test((await on(service, ['status', '--json'])).stdout), {
      what: 'three dead letters',
    });
    const list = await on(service, ['dead', 'list']);
    expect([list.exitCode, list.stderr]).toEqual([0, '3 dead letters.\n']);
    expect(list.stdout).toMatch(/\n1 .* crew +1 +too_large_for_broker +0 +4\.\d kB +d-1\n2 /);
    const chosen = await on(service, ['dead', 'list', '--json', '--reason', 'refused']);
    expect(JSON.parse(chosen.stdout)).toEqual({ total: 0, deadLetters: [] });
    for (const [args, said] of [
      [['list', '--reason', 'refused'], '0 of 3 dead letters.\n'],
      [['retry', '--entity', 'fuel'], 'There is nothing to retry: 0 of 3 dead letters.\n'],
      [['discard', '--reason', 'corrupt'], 'There is nothing to discard: 0 of 3 dead letters.\n'],
    ] as const) {
      const { exitCode, stderr } = await on(service, ['dead', ...args]);
      expect([exitCode, stderr]).toEqual([0, said]);
    }
    const one = await on(service, ['dead', 'show', '1']);
    expect(JSON.parse(one.stdout)).toMatchObject({ messageId: 'd-1', payload: { key: '1' } });

    const some = await on(service, ['dead', 'discard', '1', '77', '--yes']);
    expect(some).toMatchObject({ exitCode: 6, stdout: '1 is discarded, to be told as a gap\n' });
    expect(some.stderr).toMatch(/^77: There is no dead letter 77/);
    expect((await on(service, ['status'])).stdout).toMatch(/ 3 dead letters, 1 dead letter given up\n/);
    const asked = await on(service, ['dead', 'discard', '2', '78', '2']);
    expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringMatching(/^This forgets 1 dead letter of /)]);
    const nobody = await on(service, ['dead', 'discard', '77', '78']);
    expect([nobody.exitCode, nobody.stdout]).toEqual([6, '']);
    expect(nobody.stderr).toMatch(/^77: There is no dead letter 77.*\n78: There is no dead letter 78.*\n$/);

    broker.configure('allow_anonymous true');
    await broker.restart();
    const shore = await Shore.listen(broker.url, 'vessel/sync/crew');
    await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    const retried = await on(service, ['dead', 'retry', '--all', '--json']);
    expect(JSON.parse(retried.stdout)).toMatchObject({ deadLetters: [{ position: 2 }, { position: 3, sequence: 3 }] });
    await shore.has(2);
    expect(shore.changes.map(({ key }) => key)).toEqual(['2', '3']);
    const nothing = await on(service, ['dead', 'discard', '--all']);
    expect([nothing.exitCode, nothing.stderr]).toEqual([0, 'There is nothing to discard.\n']);
  });

  it('tells live what goes on, and that the service goes away and comes back', async () => {
    const broker = await Mosquitto.start();
    const env = { MQTT_BROKER_URL: broker.url, PORT: String(await freePort()), MQTT_RECONNECT_MAX_S: '1' };
    const service = await start(env);
    await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    const lines = CommandLine.spawn(['tail', '--url', service.url!]);
    const json = CommandLine.spawn(['tail', '--json', '--url', service.url!]);
    await lines.untilSaid(/Z {2}mv-test healthy\n.*connected to mqtt:\/\/127.*\n.*0 messages waiting/);
    await json.untilSaid(/\n/);
    await post(service, [change('1'), change('2')]);
    await lines.untilSaid(/2 delivered, 0 waiting/);
    await broker.kill();
    await lines.untilSaid(/degraded: not_connected\n.*not connected to mqtt/);
    service.signal('SIGTERM');
    await lines.untilSaid(/the service is stopping\n/);
    await service.exit();
    await lines.untilSaid(/Trying again/);
    await start(env);
    await lines.untilSaid(/Trying again[^]*|stopping\n[^]*mv-test degraded/);
    await until(() => (lines.stdout.match(/mv-test/g) ?? []).length === 2, { what: 'the stream of the new process' });
    for (const command of [lines, json]) command.signal('SIGINT');
    expect((await lines.end()).exitCode).toBe(0);
    const { exitCode, stdout } = await json.end();
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect([exitCode, events[0]!.event]).toEqual([0, 'snapshot']);
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['change', 'closing']));
  });

  it('checks the configuration and the broker', async () => {
    const broker = await Mosquitto.start({
      config: (folder) => `allow_anonymous false\npassword_file ${folder}/passwords\nmax_inflight_messages 1000`,
      users: { ship: 'hull-2' },
    });
    const folder = temporaryFolder();
    const env = join(folder, 'environment');
    const write = (password: string) =>
      writeFileSync(env, `MQTT_BROKER_URL=${broker.url}\nMQTT_USERNAME=ship\nMQTT_PASSWORD="${password}"\n`);
    write('hull-2');
    const well = await CommandLine.run(['check', '--environment-file', env]);
    expect([well.exitCode, well.stderr]).toEqual([0, '']);
    expect(well.stdout).toMatch(
      /^ok +configuration .*\nok +files [^]*\nok +connect [^]*\nok +round_trip .*\nAll is well\.\n$/,
    );

    write('wrong-one');
    const refused = await CommandLine.run(['check', '--environment-file', env, '--json']);
    const { passed, steps } = JSON.parse(refused.stdout) as { passed: boolean; steps: CheckStep[] };
    expect([refused.exitCode, passed, steps.at(-1)]).toMatchObject([1, false, { name: 'connect', status: 'failed' }]);
    expect(refused.stdout).not.toContain('wrong-one');

    const away = await CommandLine.run(['check'], { MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}` });
    expect([away.exitCode, away.stdout]).toEqual([
      3,
      expect.stringMatching(/\nfailed +tcp .*\n +The machine is there/),
    ]);
    const bad = await CommandLine.run(['check'], { MQTT_KEEPALIVE_S: 'often', PORT: '99999' });
    expect([bad.exitCode, bad.stdout]).toEqual([1, expect.stringMatching(/^failed +configuration +2 bad variables/)]);
  });

  it('passes a check with warnings, but for a strict one', async () => {
    const broker = await Mosquitto.start({ config: 'allow_anonymous true\nmax_packet_size 20000' });
    const env = { MQTT_BROKER_URL: broker.url };
    const check = await CommandLine.run(['check'], env);
    expect([check.exitCode, check.stdout]).toEqual([
      0,
      expect.stringMatching(/Maximum Packet Size 20000: larger .*\n[^]*It works, with 1 warning/),
    ]);
    expect((await CommandLine.run(['check', '--strict'], env)).exitCode).toBe(5);
  });

  it('tells what was purged to the other side', async () => {
    const { proxy, shore } = await closedLink();
    const service = await start({ MQTT_BROKER_URL: proxy.url, MQTT_RECONNECT_MAX_S: '1' });
    await post(service, [change('1'), change('2')]);
    expect((await on(service, ['queue', 'purge', '--yes'])).exitCode).toBe(0);
    await post(service, change('3'));
    await proxy.accept();
    await shore.has(1);
    expect(shore.changes.map(({ sequence }: ChangeEnvelope) => sequence)).toEqual([3]);
    const gap = await until(() => shore.received.find(({ envelope }) => envelope.type === 'gap'), { what: 'a gap' });
    expect(gap.envelope).toMatchObject({ entity: 'crew', data: { ranges: [{ from: 1, to: 2, reason: 'dropped' }] } });
  });
});

describe('the command line, as it is built', () => {
  it('can be started by its name: npx links it once, and does not see to it again after a build', () => {
    const file = join(PROJECT, 'dist/service/cli/main.js');
    expect(statSync(file).mode & 0o111).toBe(0o111);
  });
});

describe('the command line, used in the wrong way', () => {
  it('says that nobody answers', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    for (const args of [['status'], ['queue', 'list'], ['dead', 'list'], ['tail'], ['queue', 'purge', '--yes']]) {
      const { exitCode, stdout, stderr } = await CommandLine.run([...args, '--url', url]);
      expect([exitCode, stdout, stderr]).toEqual([3, '', expect.stringMatching(/^No answer from .*ECONNREFUSED.*\n$/)]);
    }
    const publish = await CommandLine.run(['publish', '--url', url], {}, linesOf([change('1')]));
    expect([publish.exitCode, publish.stdout]).toEqual([3, '0 changes accepted. Resume with --from-line 1.\n']);
  });

  it('finds the service where its environment says, and says so when it is not there', async () => {
    const port = await freePort();
    const { exitCode, stderr } = await CommandLine.run(['status'], { PORT: String(port) });
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(new RegExp(`127.0.0.1:${port}.*--url.*--queue-dir`))]);
  });

  it('does not wait for ever', async () => {
    const silent = createServer(() => {});
    const port = await listen(silent);
    onTestFinished(() => void silent.close().closeAllConnections());
    const { exitCode, stderr } = await CommandLine.run([
      'status',
      '--timeout',
      '1',
      '--url',
      `http://127.0.0.1:${port}`,
    ]);
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/within 1 s/)]);
  });

  it('says that somebody else answers', async () => {
    const other = createServer((_request, response) => response.end('hello'));
    const port = await listen(other);
    onTestFinished(() => void other.close());
    const { exitCode, stderr } = await CommandLine.run(['status', '--url', `http://127.0.0.1:${port}`]);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/answered 200, but not as this version/)]);
    other.removeAllListeners('request').on('request', (_request, response) => response.writeHead(404).end('hello'));
    const lost = await CommandLine.run(['status', '--url', `http://127.0.0.1:${port}`]);
    expect([lost.exitCode, lost.stderr]).toEqual([1, expect.stringMatching(/answered 404, but not as this version/)]);
  });

  it('says that an application answers, which has none of its endpoints', async () => {
    const health = SyncHealthModule.forRoot();
    const moduleRef = await Test.createTestingModule({
      imports: [FakeSyncModule.of(new FakeSync()), health],
    }).compile();
    const app = moduleRef.createNestApplication({ logger: false });
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = (await app.getUrl()).replace(/\/$/, '');
    for (const args of [['status'], ['dead', 'list'], ['tail'], ['publish']]) {
      const { exitCode, stderr } = await CommandLine.run([...args, '--url', url], {}, linesOf([change('1')]));
      expect([args, exitCode, stderr]).toEqual([
        args,
        1,
        `${url} is an application that embeds the module: it has no endpoints for this command. Look at its health document and ` +
          '/metrics, or stop it and use --queue-dir.\n',
      ]);
    }
  });

  it('says that the token is missing or wrong, and never shows one', async () => {
    const service = await startAway();
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, 'wrong-token-1\n');
    const expectRefusal = async (args: readonly string[], env: Environment = {}) => {
      const { exitCode, stdout, stderr } = await CommandLine.run(
        [...args, '--url', service.url!],
        env,
        linesOf([change('1')]),
      );
      expect([exitCode, stderr]).toEqual([4, expect.stringMatching(/needs a valid token.*--token-file/)]);
      expect(stdout + stderr).not.toContain('wrong-token');
    };
    await expectRefusal(['queue', 'list'], { SYNC_INGRESS_TOKEN: 'wrong-token-1' });
    await expectRefusal(['queue', 'purge', '--yes', '--token-file', file]);
    await expectRefusal(['dead', 'retry', '1']);
    await expectRefusal(['publish']);
    writeFileSync(file, `${TOKEN}\n`);
    const args = ['queue', 'list', '--url', service.url!];
    expect((await CommandLine.run([...args, '--token-file', file])).exitCode).toBe(0);
    expect((await CommandLine.run(args, { SYNC_INGRESS_TOKEN_FILE: file })).exitCode).toBe(0);
    const env = join(temporaryFolder(), 'environment');
    writeFileSync(env, `SYNC_INGRESS_TOKEN=${TOKEN}\nPORT=${new URL(service.url!).port}\n`);
    expect((await CommandLine.run(['queue', 'list', '--environment-file', env])).exitCode).toBe(0);
    // Nothing that Node takes for itself: the message is ours.
    const missing = await CommandLine.run(['check', '--environment-file', join(temporaryFolder(), 'none')]);
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringMatching(/none cannot be read \(ENOENT\)/)]);
  });

  it('refuses what it does not understand', async () => {
    const { exitCode, stdout, stderr } = await CommandLine.run(['status', '--tokn=sesame']);
    expect([exitCode, stdout, stderr]).toEqual([2, '', "error: unknown option '--tokn'\nTry --help.\n"]);
  });
});

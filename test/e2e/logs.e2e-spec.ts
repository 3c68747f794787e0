import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';

/** Data that must not be seen in a log. */
const DATA = 'bunker-7-is-leaking';
const PASSWORD = 'harbour-light';

/** A line of the log of a service in production. */
interface Line {
  readonly level: string;
  readonly timestamp: string;
  readonly message: string;
  readonly context?: string;
  readonly messageId?: string;
}

function linesOf(service: ServiceProcess): Line[] {
  const whole = service.output.slice(0, service.output.lastIndexOf('\n'));
  return whole.split('\n').map((line) => JSON.parse(line) as Line);
}

function change(entity: string, messageId: string) {
  return { entity, operation: 'update', key: 'k', data: { id: 'k', note: DATA }, messageId };
}

/** A broker that knows the ship by its password, and does not let it write to one topic. */
function broker(): Promise<Mosquitto> {
  return Mosquitto.start({
    users: { ship: PASSWORD },
    config: (folder) => {
      const acl = join(folder, 'acl');
      writeFileSync(acl, 'user ship\ntopic deny vessel/sync/crew\ntopic readwrite #\n', { mode: 0o600 });
      return [`allow_anonymous false`, `password_file ${join(folder, 'passwords')}`, `acl_file ${acl}`].join('\n');
    },
  });
}

function inProduction(url: string, env: Environment = {}): Promise<ServiceProcess> {
  return ServiceProcess.start({
    ...{ NODE_ENV: 'production', MQTT_BROKER_URL: url, MQTT_USERNAME: 'ship', MQTT_PASSWORD: PASSWORD },
    ...{ MQTT_QUEUE_DIR: temporaryFolder(), MQTT_RECONNECT_MAX_S: '1', MQTT_MAX_QUEUE_SIZE: '3', ...env },
  });
}

/** Every kind of line there is: a delivery, a dead letter, an outage, a drop, a retry, a bad request. */
async function everything(service: ServiceProcess, mosquitto: Mosquitto): Promise<void> {
  await service.post(change('work_orders', 'delivered-1'));
  await service.post(change('crew', 'refused-1'));
  await service.untilHealth('the first message to be delivered', ({ mqtt }) => mqtt.queuedMessages === 0);
  await mosquitto.kill();
  await service.untilHealth('the outage to be seen', ({ mqtt }) => mqtt.status === 'disconnected');
  for (let number = 1; number <= 5; number++) await service.post(change('work_orders', `waiting-${number}`));
  await service.post({ ...change('work_orders', 'bad-1'), operation: 'explode' });
  const { body } = await service.request('/api/mqtt/reliable-sync/dead-letters');
  const [letter] = (body as { deadLetters: { position: number }[] }).deadLetters;
  // A broker that is back before the first attempt would leave nothing to tell of it.
  await until(() => service.output.includes('Cannot connect'), { what: 'an attempt to fail' });
  await mosquitto.restart();
  await service.untilHealth('the backlog to be delivered', ({ mqtt }) => mqtt.queuedMessages === 0);
  await service.request(`/api/mqtt/reliable-sync/dead-letters/${letter!.position}/retry`, { method: 'POST' });
  await until(() => linesOf(service).filter(({ messageId }) => messageId === 'refused-1').length >= 3, {
    what: () => `the retry to be told; the log was:\n${service.output}`,
  });
}

describeWithMosquitto('the log in production', () => {
  it('has an ISO time, a level and a category in every line, no data of a change, and no secret, at any level', async () => {
    const mosquitto = await broker();
    const service = await inProduction(mosquitto.url, { LOG_LEVEL: 'verbose' });
    await everything(service, mosquitto);
    for (const { level, timestamp, message, context } of linesOf(service)) {
      expect(['fatal', 'error', 'warn', 'info', 'debug', 'verbose']).toContain(level);
      expect(new Date(timestamp).toISOString()).toBe(timestamp);
      expect(message).toMatch(/\S/);
      expect(context).toMatch(/^\w/);
    }
    expect(service.output).not.toContain(DATA);
    expect(service.output).not.toContain(PASSWORD);
  });

  it('gives the message id as a field in every line that speaks of a message', async () => {
    const mosquitto = await broker();
    const service = await inProduction(mosquitto.url, { LOG_LEVELS: 'Messages=debug' });
    await everything(service, mosquitto);
    const lines = linesOf(service);
    const ids = /\b(?:delivered|refused|waiting)-\d\b/;
    for (const { message, messageId } of lines) expect(messageId).toBe(ids.exec(message)?.[0]);
    const told = (id: string) =>
      lines.flatMap(({ message, messageId }) => (messageId === id ? [message.split(/ \(|: | was| \d/)[0]] : []));
    expect(told('delivered-1')).toEqual(['Accepted', 'Delivered after']);
    expect(told('waiting-5')).toEqual(['Accepted', 'Has to wait', 'Delivered after']);
    expect(told('waiting-1').slice(0, 3)).toEqual(['Accepted', 'Has to wait', 'Dropped']);
  });

  it('has one line for each change of state, unless more is asked for', async () => {
    const mosquitto = await broker();
    const service = await inProduction(mosquitto.url);
    await everything(service, mosquitto);
    const beginnings = [
      'info Connecting to mqtt:',
      'info Connected to mqtt:',
      'info Listening: ',
      'info Operator page: ',
      'error Message refused-1 (crew) was set aside',
      'warn Lost the connection to mqtt:',
      'warn The queue is full: 1 message(s) dropped',
      'warn Cannot connect to mqtt:',
      'info Connected to mqtt:',
      'info The backlog of 3 message(s) has left the queue',
      'info Dead letter refused-1 (crew) is back in the queue',
      'error Message refused-1 (crew) was set aside',
    ];
    const told = linesOf(service).map(({ level, message }) => `${level} ${message}`);
    expect(told.filter((line) => / Cannot connect | mqtt:/.test(line)).map((line) => line.split(' mqtt:')[0])).toEqual([
      'info Connecting to',
      'info Connected to',
      'warn Lost the connection to',
      'warn Cannot connect to',
      'info Connected to',
    ]);
    // A drop and an attempt may come in either order, and so may the first connection and HTTP.
    const known = told.map((line) => beginnings.find((beginning) => line.startsWith(beginning)) ?? line);
    expect(known.sort()).toEqual(beginnings.sort());
  });

  it('shows more of one category when that is asked for', async () => {
    const service = await inProduction('mqtt://127.0.0.1:1', { LOG_LEVELS: 'MqttSync.connection=debug' });
    await until(() => service.output.includes('Reconnecting to'), { what: 'the attempts to be told' });
  });
});

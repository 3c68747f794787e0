import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { AsyncApi } from '../helpers/asyncapi.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { Shore } from '../helpers/shore.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until, within } from '../helpers/wait.js';

const READER = fileURLToPath(new URL('../../docs/examples/consumer.py', import.meta.url));
const QUEUE_LIMIT = 20;
const DROPPED = 5;

/** Publishes something of everything that a vessel can say; with the link down for long enough to lose `DROPPED` of fuel_log. */
async function tellEverything(broker: Mosquitto): Promise<void> {
  const link = await TcpProxy.start(broker.port);
  const queue = { dir: queueFolder(), maxMessages: QUEUE_LIMIT };
  const application = await SyncApplication.start({ brokerUrl: link.url, vesselId: 'mv-aurora', queue });
  await application.connected();
  const { publisher } = application;
  await publisher.publish('work_orders', 'create', { id: 'WO-1', title: 'Läuft "heiß"' });
  await publisher.publish('work_orders', 'update', { id: 'WO-1', status: 'closed' });
  await publisher.publish('crew', 'delete', undefined, { key: '17' });
  await publisher.publish('alerts', 'create', { id: 'A-1', level: 'high' });
  await publisher.publish('maintenance_schedules', 'create', { id: 5 });
  await application.drained();
  await link.refuse();
  link.cut();
  await until(() => !application.status.connected, { what: 'the link to be down' });
  for (let litres = 1; litres <= QUEUE_LIMIT + DROPPED; litres++)
    await publisher.publish('fuel_log', 'create', { litres });
  await link.accept();
  await application.drained();
  await until(() => application.queue.stats().untoldGaps === 0, { what: 'the gap to be told' });
  await application.close();
}

/** The last that a vessel says. */
async function farewell(shore: Shore): Promise<void> {
  const isOffline = (): boolean =>
    shore.received.some(({ envelope }) => envelope.type === 'status' && envelope.data.status === 'offline');
  await until(isOffline, { what: 'the vessel to say goodbye' });
}

const subscriber = (broker: Mosquitto, ...more: readonly string[]): string[] => [
  ...['-h', '127.0.0.1', '-p', String(broker.port), '-i', 'office', '-c', '-q', '1', '-t', 'vessel/sync/#'],
  ...more,
];

/** What the reader prints of everything that the broker has kept for it. */
async function readInPython(broker: Mosquitto, messages: number): Promise<string[]> {
  const mosquittoSub = spawn('mosquitto_sub', subscriber(broker, '-C', String(messages), '-W', '20'), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const reader = spawn('python3', [READER], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => [mosquittoSub, reader].forEach((child) => child.kill('SIGKILL')));
  mosquittoSub.stdout.pipe(reader.stdin);
  let output = '';
  reader.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await within(once(reader, 'close'), { what: 'the reader to end', deadlineMs: 30_000 });
  expect(reader.exitCode).toBe(0);
  return output.trimEnd().split('\n');
}

describeWithMosquitto('The wire contract', () => {
  it('holds for everything that a vessel sends', async () => {
    const api = new AsyncApi();
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    await tellEverything(broker);
    await farewell(shore);
    for (const { topic, envelope } of shore.received) {
      const [message, ...others] = api.messagesOn(topic);
      expect([topic, message !== undefined, others]).toEqual([topic, true, []]);
      const validate = api.validatorOf(message!);
      expect([envelope, validate(envelope), validate.errors]).toEqual([envelope, true, null]);
    }
    const types = shore.received.map(({ envelope }) => envelope.type);
    expect(new Set(types)).toEqual(new Set(['data_change', 'gap', 'status']));
  });

  it('can be read by a consumer in another language', async () => {
    const broker = await Mosquitto.start();
    // -E: ends once it is subscribed; the broker keeps its session.
    const session = spawnSync('mosquitto_sub', subscriber(broker, '-E'), { encoding: 'utf8', timeout: 10_000 });
    expect([session.error, session.status, session.stderr]).toEqual([undefined, 0, '']);
    const shore = await Shore.listen(broker.url);
    await tellEverything(broker);
    await farewell(shore);

    const lines = await readInPython(broker, shore.received.length);

    const work = lines.filter((line) => line.startsWith('mv-aurora work_orders WO-1: '));
    expect(work).toEqual([
      'mv-aurora work_orders WO-1: create {"id": "WO-1", "title": "Läuft \\"heiß\\""}',
      'mv-aurora work_orders WO-1: update {"id": "WO-1", "status": "closed"}',
    ]);
    expect(lines).toContain('mv-aurora crew 17: delete null');
    expect(lines).toContain('mv-aurora is online');
    expect(lines).toContain(`mv-aurora fuel_log: ${DROPPED} lost for good`);
    expect(lines.filter((line) => line.includes(' fuel_log -: create '))).toHaveLength(QUEUE_LIMIT);
    expect(lines.filter((line) => / epoch \d+: /.test(line)).every((line) => line.endsWith('missing []'))).toBe(true);
    expect(lines.find((line) => line.startsWith('mv-aurora fuel_log epoch'))).toContain(
      `handled ${QUEUE_LIMIT}, lost ${DROPPED}, `,
    );
  });
});

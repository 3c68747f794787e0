import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { listen } from '../helpers/ports.js';
import { Shore } from '../helpers/shore.js';
import { queueFolder, SyncApplication, startBehindLink } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

/** Below what Mosquitto keeps by default for the listener on shore. */
const BURST = 600;
/** What it has room for by default of QoS 2 that is begun: `max_inflight_messages`. */
const ROOM = 20;

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Alerts, which ask for QoS 2, and one of the crew, QoS 1, after every fifth. */
const burst = (count: number) =>
  numbers(count).map((n) => ({
    entity: n % 6 === 0 ? 'crew' : 'alerts',
    operation: 'update' as const,
    key: `k${n % 7}`,
    data: { n },
  }));

/** Every change of a burst arrived, and the alerts before it, each entity type in order; repeats are left out. */
function expectBurst(shore: Shore, alertsBefore = 0): void {
  const ofCrew = Math.floor(BURST / 6);
  expect(shore.sequencesOf('crew')).toEqual(numbers(ofCrew));
  expect(shore.sequencesOf('alerts')).toEqual(numbers(alertsBefore + BURST - ofCrew));
}

/** In front of a broker: hangs up without a word on whoever speaks MQTT 5. */
async function onlyFor311(brokerPort: number): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    client.once('data', (bytes: Buffer) => {
      // The protocol level follows the protocol name (MQTT 5, section 3.1.2.2).
      if (bytes[bytes.indexOf('MQTT') + 4] === 5) return client.end();
      const broker = connect(brokerPort, '127.0.0.1');
      sockets.push(broker);
      broker.on('error', () => client.destroy()).write(bytes);
      return void client.pipe(broker).pipe(client);
    });
    client.on('error', () => {});
    sockets.push(client);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

describeWithMosquitto('Alerts to a Mosquitto on MQTT 3.1.1', () => {
  // Found by a review: of 2,000 alerts 141 arrived, and all were counted as delivered.
  it.each([
    ['as it is by default, 20', ''],
    ['lower than that, 3', 'max_inflight_messages 3'],
    ['as low as can be, 1', 'max_inflight_messages 1'],
  ])('all arrive in order, and all beside them, whatever it has room for: %s', async (_what, config) => {
    const broker = await Mosquitto.start({ config: `allow_anonymous true\n${config}` });
    const shore = await Shore.listen(broker.url);
    const application = await SyncApplication.start({
      brokerUrl: broker.url,
      protocol: '3.1.1',
      queue: { dir: queueFolder() },
    });
    await application.connected();
    await application.publisher.publishMany(burst(BURST));
    await application.drained();
    await shore.has(BURST);
    expectBurst(shore);
  });

  it('are neither lost nor take others with them when QoS 2 had been begun on MQTT 5', async () => {
    const broker = await Mosquitto.start();
    const shore = await Shore.listen(broker.url);
    const { link, application } = await startBehindLink(broker);
    const protocols: string[] = [];
    application.events.on('connected', ({ protocol }) => protocols.push(protocol));
    // The status is through as well then: nothing but alerts is in flight next.
    await (await application.publisher.publish('equipment', 'create', { id: 'E-1' })).delivered({ timeoutMs: 5000 });
    // The answers to what the broker has room for do not come.
    link.blackHole(['down']);
    await application.publisher.publishMany(Array(ROOM).fill({ ...burst(1)[0]!, data: 'before' }));
    const begun = () => broker.log.match(/Sending PUBREC/g)?.length ?? 0;
    await until(() => begun() >= ROOM, { what: () => `${ROOM} alerts at the broker; ${begun()} are` });
    await application.publisher.publishMany(burst(BURST));
    link.retarget(await onlyFor311(broker.port));
    link.cut();
    link.heal();
    await until(() => protocols.includes('3.1.1'), { deadlineMs: 30_000, what: 'a connection on MQTT 3.1.1' });
    await application.drained();
    await shore.has(1 + ROOM + BURST);
    expectBurst(shore, ROOM);
  });
});

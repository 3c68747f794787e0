import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { seal } from '../../src/mqtt-sync/store/sealed-records.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { Observer } from '../helpers/observer.js';
import { freePort, listen } from '../helpers/ports.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

function workOrder(number: number) {
  return { entity: 'work_orders', operation: 'update', key: 'wo-1', data: { id: 'wo-1', number } };
}

/** Settings of a service on disk whose broker nobody has started. */
async function onDisk(env: Environment = {}): Promise<Environment> {
  const MQTT_BROKER_URL = `mqtt://127.0.0.1:${await freePort()}`;
  return { MQTT_BROKER_URL, MQTT_QUEUE_DIR: temporaryFolder(), ...env };
}

describe('starting', () => {
  it('refuses a bad environment, naming every bad variable and no value', async () => {
    const service = ServiceProcess.spawn({
      MQTT_MAX_QUEUE_SIZE: 'abc',
      MQTT_INFLIGHT_WINDOW: '0',
      MQTT_BROKER_URL: 'http://ship:wheelhouse@broker.example',
    });
    expect(await service.exit()).toBe(78);
    for (const name of ['MQTT_MAX_QUEUE_SIZE', 'MQTT_INFLIGHT_WINDOW', 'MQTT_BROKER_URL']) {
      expect(service.output).toContain(`${name}: `);
    }
    expect(service.output).not.toMatch(/wheelhouse|abc/);
  });

  it('prints the variables for --help and ends with 0', async () => {
    const service = ServiceProcess.spawn({}, ['--help']);
    expect(await service.exit()).toBe(0);
    expect(service.output).toMatch(/MQTT_BROKER_URL .*SYNC_INGRESS_TOKEN/s);
  });

  it('refuses a queue folder that another process has open, and says so', async () => {
    const env = await onDisk();
    await ServiceProcess.start(env);
    const second = ServiceProcess.spawn(env);
    expect(await second.exit()).toBe(1);
    expect(second.output).toMatch(/The service cannot start\..*(lock|in use|another process)/i);
  });

  it('refuses a store that a newer version wrote, leaves it as it is, and says so', async () => {
    const env = await onDisk();
    const older = await ServiceProcess.start(env);
    await older.post(workOrder(1));
    older.signal('SIGTERM');
    await older.exit();
    const root = openLmdb<Buffer, string>({
      path: join(env['MQTT_QUEUE_DIR']!, 'queue.mdb'),
      noSubdir: true,
      encoding: 'binary',
    });
    root.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' }).putSync('identity', seal([2, 'mv-test', 1]));
    await root.close();
    const service = ServiceProcess.spawn(env);
    expect(await service.exit(30_000)).toBe(1);
    expect(service.output).toMatch(/The service cannot start\. The store of the queue has format 2, .*left as it is/);
    expect(readdirSync(env['MQTT_QUEUE_DIR']!).filter((name) => name.includes('damaged'))).toEqual([]);
  });

  it('refuses a port that another process listens on, and says what to do', async () => {
    const other = createServer();
    const port = await listen(other);
    onTestFinished(() => void other.close());
    const service = ServiceProcess.spawn(await onDisk({ PORT: String(port) }));
    expect(await service.exit()).toBe(1);
    expect(service.output).toMatch(new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${port}: .*Set PORT`));
  });
});

describe('stopping', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 on %s while it is still loading', async (signal) => {
    const NODE_OPTIONS = `--import=${new URL('../helpers/held-loading.mjs', import.meta.url).href}`;
    const service = ServiceProcess.spawn({ NODE_OPTIONS, HELD_MODULE: '/run-service.js' });
    await until(() => service.output.includes('held: '), { what: () => `the loading; it said:\n${service.output}` });
    service.signal(signal);
    expect(await service.exit()).toBe(0);
  });

  it('exits with 0 inside the deadline with messages left, which the next start still has', async () => {
    const env = await onDisk();
    const service = await ServiceProcess.start(env);
    await service.post([workOrder(1), workOrder(2)]);
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    expect(service.output).not.toContain('Not everything has ended in time');
    const next = await ServiceProcess.start(env);
    expect((await next.health()).mqtt.queuedMessages).toBe(2);
  });

  it('exits with 0 inside the deadline although a client never ends its request', async () => {
    const service = await ServiceProcess.start(await onDisk({ SHUTDOWN_DEADLINE_MS: '3000' }));
    const { hostname, port } = new URL(service.url!);
    const slow = connect(Number(port), hostname).on('error', () => {});
    onTestFinished(() => void slow.destroy());
    slow.write(
      'POST /api/mqtt/reliable-sync/changes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n',
    );
    slow.write('Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n{');
    // "100 Continue": the request has arrived.
    await once(slow, 'data');
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    expect(service.output).not.toContain('Not everything has ended in time');
  });

  it('drops idle keep-alive connections', async () => {
    const service = await ServiceProcess.start(await onDisk());
    const { hostname, port } = new URL(service.url!);
    const idle = connect(Number(port), hostname).resume();
    await once(idle, 'connect');
    idle.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(idle, 'data');
    const closed = once(idle, 'close');
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    await closed;
    expect(service.output).not.toContain('Not everything has ended in time');
  });
});

describeWithMosquitto('the service and a broker', () => {
  it('delivers what was accepted without a broker, in order and once, also after a restart', async () => {
    const port = await freePort();
    const env = await onDisk({ MQTT_BROKER_URL: `mqtt://127.0.0.1:${port}` });
    const first = await ServiceProcess.start(env);
    await first.post(Array.from({ length: 20 }, (_, number) => workOrder(number)));
    first.signal('SIGTERM');
    await first.exit();
    const broker = await Mosquitto.start({ port });
    const observer = await Observer.at(broker.url);
    const second = await ServiceProcess.start(env);
    await second.post(workOrder(20));
    await second.untilHealth('everything to be delivered', ({ mqtt }) => mqtt.queuedMessages === 0);
    await until(() => observer.distinct.length === 21, { what: () => `21 changes, got ${observer.distinct.length}` });
    expect(observer.distinct.map(({ envelope }) => envelope.sequence)).toEqual(
      Array.from({ length: 21 }, (_, index) => index + 1),
    );
    expect(await second.health()).toMatchObject({ status: 'healthy', reasons: [], mqtt: { status: 'connected' } });
  });

  it.each(['PORT', 'SYNC_TCP_PORT'])('does not touch the broker when %s is taken by a first copy', async (variable) => {
    const broker = await Mosquitto.start();
    const [toFirst, toSecond] = [await TcpProxy.start(broker.port), await TcpProxy.start(broker.port)];
    const port = { [variable]: String(await freePort()) };
    const first = await ServiceProcess.start(await onDisk({ MQTT_BROKER_URL: toFirst.url, ...port }));
    await first.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    const second = ServiceProcess.spawn(await onDisk({ MQTT_BROKER_URL: toSecond.url, ...port }));
    expect(await second.exit()).toBe(1);
    expect(second.output).toMatch(new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${port[variable]}: .*Set PORT`));
    expect([toSecond.connectionsAccepted, toFirst.connectionsAccepted, toFirst.connectionsOpen]).toEqual([0, 1, 1]);
  });

  it('is not ready and refuses changes from the signal on, while what is in flight is waited for', async () => {
    const { proxy, service } = await startWithMessageInFlight(5000);
    service.signal('SIGTERM');
    await until(() => service.output.includes('stopping'), { what: 'the signal to be logged' });
    expect((await service.request('/health/ready')).status).toBe(503);
    expect((await service.request('/health/live')).status).toBe(200);
    const refused = await service.post(workOrder(2));
    expect(refused.body).toMatchObject({ status: 503, code: 'STOPPING' });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    proxy.heal();
    expect(await service.exit()).toBe(0);
    expect(service.output).not.toContain('message(s) in the queue');
  });

  it('exits with 0 inside the deadline although the broker acknowledges nothing any more', async () => {
    const { service } = await startWithMessageInFlight(2000);
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    expect(service.output).toContain('1 message(s) in the queue');
    expect(service.output).not.toContain('Not everything has ended in time');
  });

  it('exits at once, and not with 0, on a second signal', async () => {
    const { service } = await startWithMessageInFlight(60_000);
    service.signal('SIGTERM');
    await until(() => service.output.includes('stopping'), { what: 'the signal to be logged' });
    service.signal('SIGINT');
    expect(await service.exit()).toBe(1);
  });
});

/** A service whose broker has got a message, but whose acknowledgement does not arrive. */
async function startWithMessageInFlight(deadlineMs: number) {
  const broker = await Mosquitto.start();
  const proxy = await TcpProxy.start(broker.port);
  const observer = await Observer.at(broker.url);
  const service = await ServiceProcess.start(
    await onDisk({ MQTT_BROKER_URL: proxy.url, SHUTDOWN_DEADLINE_MS: String(deadlineMs) }),
  );
  await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
  proxy.blackHole(['down']);
  expect((await service.post(workOrder(1))).status).toBe(202);
  await until(() => observer.changes.length === 1, { what: 'the change to reach the broker' });
  return { proxy, service };
}

import { rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../helpers/ports.js';
import { metricOf, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';

const HEALTH = '/api/mqtt/reliable-sync/health';
const CHANGE = { entity: 'work_orders', operation: 'create', key: 'wo-1', data: { id: 'wo-1', title: 'Bilge pump' } };

/** A service with nothing behind it: no broker listens, and the queue is in memory. */
async function startAlone(env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
  const broker = `mqtt://ship:wheelhouse@127.0.0.1:${await freePort()}`;
  return ServiceProcess.start({
    MQTT_BROKER_URL: broker,
    MQTT_QUEUE_STORE: 'memory',
    ...env,
  });
}

function families(text: string, prefix: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!).filter((name) => name.startsWith(prefix));
}

describe('the started service, its broker away', () => {
  it('listens, is live and ready, degraded, and accepts changes', async () => {
    const service = await startAlone();
    for (const probe of ['/health/live', '/health/ready']) expect((await service.request(probe)).status).toBe(200);
    const answer = await service.post(CHANGE);
    expect([answer.status, answer.body]).toEqual([202, { messageId: expect.any(String) as string, sequence: 1 }]);
    const document = await service.health();
    expect(document).toMatchObject({ status: 'degraded', reasons: ['not_connected'], mqtt: { queuedMessages: 1 } });
    expect(document.mqtt.broker).not.toMatch(/ship|wheelhouse/);
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(service.output).not.toContain('wheelhouse');
  });

  it('shows exactly nine arus_mqtt_* families at the first scrape', async () => {
    const service = await startAlone();
    const text = await service.metrics();
    expect(families(text, 'arus_mqtt_').sort()).toEqual([
      'arus_mqtt_connection_status',
      'arus_mqtt_messages_dropped_total',
      'arus_mqtt_messages_published_total',
      'arus_mqtt_messages_queued_total',
      'arus_mqtt_publish_failures_total',
      'arus_mqtt_queue_depth',
      'arus_mqtt_queue_flushes_total',
      'arus_mqtt_queue_utilization_percent',
      'arus_mqtt_reconnection_attempts_total',
    ]);
    expect(families(text, 'process_')).not.toEqual([]);
  });

  it('answers each wrong request with its problem, and counts only what publish() rejected', async () => {
    const service = await startAlone({ MQTT_MAX_MESSAGE_BYTES: '2000' });
    const bodies: readonly (readonly [unknown, number, string, number])[] = [
      ['{"entity":', 400, 'BODY_MALFORMED', 0],
      [{ ...CHANGE, colour: 'red' }, 400, 'CHANGE_INVALID', 0],
      [[CHANGE, { entity: 'crew' }], 400, 'CHANGE_INVALID', 0],
      [{ ...CHANGE, data: 'x'.repeat(100_000) }, 413, 'BODY_TOO_LARGE', 0],
      [{ ...CHANGE, entity: 'Crew/#' }, 400, 'ENTITY_TYPE_INVALID', 1],
      [{ ...CHANGE, operation: 'upsert' }, 400, 'CHANGE_INVALID', 1],
      [{ ...CHANGE, qos: 3 }, 400, 'CHANGE_INVALID', 1],
      [{ ...CHANGE, data: 'x'.repeat(3000) }, 413, 'CHANGE_TOO_LARGE', 1],
    ];
    let failures = 0;
    for (const [body, status, code, counts] of bodies) {
      const answer = await service.post(body);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.body).toMatchObject({ type: 'about:blank', status, code, detail: expect.any(String) as string });
      expect(answer.status).toBe(status);
      failures += counts;
      expect((await service.health()).detailedMetrics.publishFailures, code).toBe(failures);
    }
    expect((await service.post('{}', { 'Content-Type': 'text/plain' })).body).toMatchObject({ status: 415 });
    expect((await service.request('/nowhere')).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(metricOf(await service.metrics(), 'arus_mqtt_publish_failures_total')).toBe(failures);
    expect(metricOf(await service.metrics(), 'arus_mqtt_queue_depth')).toBe(0);
  });

  it('tells the index of the wrong change of an array, and stores none of the others', async () => {
    const service = await startAlone();
    const answer = await service.post([CHANGE, { ...CHANGE, entity: 'Crew' }]);
    expect(answer.body).toMatchObject({ status: 400, code: 'ENTITY_TYPE_INVALID', index: 1 });
    expect((await service.health()).mqtt.queuedMessages).toBe(0);
    const accepted = await service.post([CHANGE, { ...CHANGE, entity: 'crew' }, CHANGE]);
    expect(accepted.status).toBe(202);
    expect((accepted.body as { sequence: number }[]).map(({ sequence }) => sequence)).toEqual([1, 1, 2]);
  });

  it('takes JSON of any depth without harm', async () => {
    const service = await startAlone();
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const answer = await service.post(`{"entity":"crew","operation":"create","data":${deep}}`);
    // Whether it has a JSON form again depends on the stack of the Node at hand.
    expect([400, 202]).toContain(answer.status);
    expect((await service.post(CHANGE)).status).toBe(202);
  });

  it('answers 503 with Retry-After when the queue is full and its policy is to reject', async () => {
    const service = await startAlone({ MQTT_MAX_QUEUE_SIZE: '1', MQTT_OVERFLOW_POLICY: 'reject' });
    expect((await service.post(CHANGE)).status).toBe(202);
    const answer = await service.post(CHANGE);
    expect(answer.body).toMatchObject({ status: 503, code: 'QUEUE_FULL' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await service.health()).detailedMetrics).toMatchObject({ publishFailures: 1, currentQueueSize: 1 });
  });

  it('starts with a folder that it cannot use, is live but not ready, and answers 503 until it can', async () => {
    const parent = join(temporaryFolder(), 'queue');
    writeFileSync(parent, 'in the way');
    const service = await startAlone({ MQTT_QUEUE_STORE: 'disk', MQTT_QUEUE_DIR: join(parent, 'store') });
    const answer = await service.post(CHANGE);
    expect(answer.body).toMatchObject({ status: 503, code: 'QUEUE_UNAVAILABLE' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await service.request('/health/ready')).status).toBe(503);
    expect((await service.request('/health/live')).status).toBe(200);
    expect((await service.health()).reasons).toContain('queue_unavailable');
    expect(families(await service.metrics(), 'arus_mqtt_')).toHaveLength(9);
    rmSync(parent);
    await until(async () => (await service.request('/health/ready')).status === 200, { what: 'the folder to be used' });
    expect((await service.post(CHANGE)).status).toBe(202);
  });

  it('needs the token where one is set, and shows it nowhere', async () => {
    const token = 'harbour-light-4711';
    const service = await startAlone({ SYNC_INGRESS_TOKEN: token, LOG_LEVEL: 'verbose' });
    const absent = await service.post(CHANGE);
    const wrong = await service.post(CHANGE, { Authorization: `Bearer ${token}x` });
    for (const answer of [absent, wrong]) {
      expect(answer.body).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    expect((await service.post(CHANGE, { Authorization: `Bearer ${token}` })).status).toBe(202);
    const shown = [
      absent.text,
      wrong.text,
      service.output,
      await service.metrics(),
      JSON.stringify(await service.health()),
    ];
    expect(shown.join('\n')).not.toContain(token);
  });

  it('refuses other machines without a token, whatever their headers say', async (context) => {
    const own = Object.values(networkInterfaces()).flat();
    const address = own.find((candidate) => candidate && !candidate.internal && candidate.family === 'IPv4')?.address;
    // Only a machine with a network has an address that is not loopback.
    if (address === undefined) return context.skip('this machine has no other address than loopback');
    const service = await startAlone({ HOST: '0.0.0.0' });
    const port = new URL(service.url!).port;
    const response = await fetch(`http://${address}:${port}/api/mqtt/reliable-sync/changes`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Host: 'localhost' },
      body: JSON.stringify(CHANGE),
    });
    expect(await response.json()).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  });

  it('limits the health document and nothing else', async () => {
    const service = await startAlone({ HEALTH_RATE_LIMIT: '2' });
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await service.request(HEALTH)).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(Number((await service.request(HEALTH)).headers.get('retry-after'))).toBeGreaterThan(0);
    for (let count = 0; count < 5; count++) {
      expect((await service.post(CHANGE)).status).toBe(202);
      for (const path of ['/health/ready', '/health/live', '/metrics']) {
        expect((await service.request(path)).status).toBe(200);
      }
    }
  });

  it('skips changes while sync is turned off, and still shows the nine metrics', async () => {
    const service = await startAlone({ LOCAL_MODE: 'false' });
    const answer = await service.post(CHANGE);
    expect([answer.status, answer.body]).toEqual([202, { messageId: expect.any(String) as string, skipped: true }]);
    expect(await service.health()).toMatchObject({ status: 'degraded', reasons: ['local_mode_off'] });
    expect((await service.request('/health/ready')).status).toBe(200);
    expect(families(await service.metrics(), 'arus_mqtt_')).toHaveLength(9);
  });

  it('takes changes over the Nest TCP transport, with the same token', async () => {
    const port = await freePort();
    await startAlone({ SYNC_TCP_PORT: String(port), SYNC_INGRESS_TOKEN: 'harbour-light' });
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
    onTestFinished(() => void client.close());
    const send = (message: object) => firstValueFrom<unknown>(client.send('sync.change', message));
    await expect(send(CHANGE)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(send({ ...CHANGE, entity: 'Crew', token: 'harbour-light' })).rejects.toMatchObject({
      code: 'ENTITY_TYPE_INVALID',
      retryable: false,
    });
    expect(await send({ ...CHANGE, token: 'harbour-light' })).toEqual({
      messageId: expect.any(String) as string,
      sequence: 1,
    });
  });
});

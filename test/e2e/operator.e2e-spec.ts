import { get, type IncomingMessage } from 'node:http';
import type { Packet } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { QueueDocument } from '../../src/service/operator/queue-document.js';
import { CommandLine } from '../helpers/command-line.js';
import { freePort } from '../helpers/ports.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until, within } from '../helpers/wait.js';

const SYNC = '/api/mqtt/reliable-sync';
const change = (key: string) => ({ entity: 'alerts', operation: 'update', key, data: { id: key } });

async function startAlone(env: Environment = {}): Promise<ServiceProcess> {
  const url = `mqtt://engineer:deck-secret@127.0.0.1:${await freePort()}`;
  return ServiceProcess.start({ MQTT_BROKER_URL: url, MQTT_QUEUE_STORE: 'memory', ...env });
}

/** Listens to the events; what was heard so far, as it came. */
async function listen(service: ServiceProcess) {
  const response = await within(
    new Promise<IncomingMessage>((resolve, reject) => get(`${service.url}${SYNC}/events`, resolve).on('error', reject)),
    { what: 'the events' },
  );
  onTestFinished(() => void response.destroy());
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  response.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => response.on('close', resolve));
  return { response, ended, text: () => text, events: () => text.split('\n\n').filter((event) => event.trim() !== '') };
}

describe('what operators ask the started service for', () => {
  it('is the queue as one document, for everybody, without payloads and secrets', async () => {
    const service = await startAlone({ SYNC_INGRESS_TOKEN: 'harbour-light-4711', MQTT_MAX_QUEUE_SIZE: '50' });
    const headers = { Authorization: 'Bearer harbour-light-4711' };
    expect((await service.post([change('A-1'), change('A-2')], headers)).status).toBe(202);
    await service.untilHealth('an attempt that failed', ({ mqtt }) => mqtt.reconnectAttempts > 0);
    const answer = await service.request(`${SYNC}/queue`);
    const { queue, connection, limits, outages } = answer.body as QueueDocument;
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(queue).toMatchObject({ messages: 2, utilizationPercent: 4, durable: false, deadLetters: 0 });
    expect(queue.lanes.critical).toMatchObject({ messages: 2, oldestAgeS: expect.any(Number) as number });
    expect(queue.lanes.bulk).toEqual({ messages: 0, bytes: 0, oldestAgeS: 0 });
    expect(connection).toMatchObject({
      connected: false,
      lastFailure: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(limits).toMatchObject({ maxMessages: 50, maxInFlight: 25, overflowPolicy: 'drop-oldest' });
    expect(outages.list).toMatchObject([{ kind: 'disconnected', count: 1 }]);
    for (const secret of ['deck-secret', 'harbour-light', 'A-1']) expect(answer.text).not.toContain(secret);
  });

  it('is what the broker holds back and refuses, by name; the metrics and the command line have it too', async () => {
    const isChange = (packet: Packet) => packet.cmd === 'publish' && packet.topic.endsWith('/alerts');
    const broker = await ScriptedBroker.start({
      ack: (packet) => (isChange(packet) ? 0x97 : 0),
      onPacket: (packet, connection) => {
        if (packet.cmd !== 'subscribe') return false;
        connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 0x87) });
        return true;
      },
    });
    const service = await startAlone({
      ...{ MQTT_BROKER_URL: broker.url, MQTT_QUEUE_STORE: 'disk', MQTT_QUEUE_DIR: temporaryFolder() },
    });
    await service.post([change('A-1'), change('A-2')]);
    const queue = async () => (await service.request(`${SYNC}/queue`)).body as QueueDocument;
    await until(async () => (await queue()).paused.count > 0, { what: 'an entity type that is held back' });
    const isRefused = async () => (await queue()).subscriptions.requests.some(({ state }) => state === 'refused');
    await until(isRefused, { what: 'a refused subscription' });
    const { paused, health } = await queue();
    expect(health.status).toBe('healthy');
    expect(paused).toEqual({
      count: 1,
      types: [{ entity: 'alerts', since: expect.any(String) as string, reason: 'Quota exceeded (0x97)' }],
    });
    const { text: metrics } = await service.request('/metrics');
    expect(metrics).toMatch(/^arus_sync_paused_entity_types 1$/m);
    expect(metrics).toMatch(/^arus_sync_refused_subscriptions\{purpose="requests"\} 1$/m);
    const { stdout } = await CommandLine.run(['status', '--url', service.url!]);
    expect(stdout).toMatch(/\nrefused +vessel\/sync\/catchup\/request\S* \(requests for changes again\)\n/);
    expect(stdout).toMatch(/\nheld back +alerts since \S+: Quota exceeded \(0x97\) /);
  });

  it('is told live, thinned however much happens, and again from the start to who comes back', async () => {
    const service = await startAlone();
    const { response, events, text } = await listen(service);
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'x-content-type-options': 'nosniff',
    });
    await until(() => /^event: snapshot$/m.test(text()), { what: 'the snapshot' });
    const began = performance.now();
    const before = events().length;
    for (let count = 0; count < 40; count++) await service.post(change(`A-${count}`));
    await until(() => /"messages":40\b/.test(text()), { what: () => `40 messages to be told of; heard ${text()}` });
    const seconds = (performance.now() - began) / 1000;
    const changes = events()
      .slice(before)
      .filter((event) => event.includes('event: change')).length;
    expect(changes).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    expect(text()).not.toContain('A-1');
    response.destroy();
    const again = await listen(service);
    await until(() => /^event: snapshot$/m.test(again.text()), { what: 'a snapshot' });
    expect(again.text()).toMatch(/"messages":40\b/);
  });

  it('is told to a bounded number of clients, and a place is free when one leaves', async () => {
    const service = await startAlone();
    const clients = [];
    for (let count = 0; count < 20; count++) clients.push(await listen(service));
    const refused = await service.request(`${SYNC}/events`);
    expect(refused.body).toMatchObject({ status: 503, code: 'TOO_MANY_LISTENERS' });
    expect(refused.headers.get('retry-after')).toBe('30');
    clients[0]!.response.destroy();
    await until(
      async () => {
        const { response } = await listen(service);
        return response.statusCode === 200;
      },
      { what: 'a free place' },
    );
  });

  it('ends with a word when the service stops, and does not hold it up', async () => {
    const service = await startAlone({ SHUTDOWN_DEADLINE_MS: '30000' });
    const clients = [await listen(service), await listen(service)];
    const began = performance.now();
    service.signal('SIGTERM');
    await within(Promise.all(clients.map(({ ended }) => ended)), { what: 'the streams to end' });
    expect(await service.exit()).toBe(0);
    expect(performance.now() - began).toBeLessThan(20_000);
    for (const { events } of clients) expect(events().at(-1)).toContain('event: closing');
  });

  it('is a page that only its own service can be asked by, in nobody’s frame', async () => {
    const service = await startAlone();
    const page = await service.request('/ui');
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy');
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    // Unchanged files do not cross the link again.
    const etag = page.headers.get('etag')!;
    expect((await service.request('/ui', { headers: { 'If-None-Match': etag } })).status).toBe(304);
    const root = await service.request('/', { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, 'ui']);
    const slash = await service.request('/ui/', { redirect: 'manual' });
    expect([slash.status, slash.headers.get('location')]).toEqual([308, '../ui']);
    for (const path of ['/ui/nothing.js', '/ui/..%2f..%2fservice%2fmain.js', '/ui/%2e%2e/main.js', '/ui/main.js.map']) {
      expect((await service.request(path)).status, path).toBe(404);
    }
  });

  it.each(['retry', 'discard'])('lets no foreign page %s a dead letter where no token is set', async (action) => {
    const service = await startAlone();
    const [path, method] = action === 'retry' ? ['/1/retry', 'POST'] : ['/1', 'DELETE'];
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
      const answer = await service.request(`${SYNC}/dead-letters${path}`, { method, headers: { Origin: origin } });
      expect(answer.body, origin).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    }
    const own = await service.request(`${SYNC}/dead-letters${path}`, { method, headers: { Origin: service.url! } });
    expect(own.status).toBe(404);
  });
});

import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import type { App } from 'supertest/types.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeSync, FakeSyncModule } from '../../test/helpers/fake-sync.js';
import { SyncHealthModule } from './sync-health.module.js';

const DOCUMENT = '/api/mqtt/reliable-sync/health';

let app: INestApplication<App> | undefined;

async function start(sync: FakeSync, rateLimit?: number) {
  const health = SyncHealthModule.forRoot(rateLimit === undefined ? {} : { rateLimit });
  const moduleRef = await Test.createTestingModule({ imports: [FakeSyncModule.of(sync), health] }).compile();
  app = moduleRef.createNestApplication<INestApplication<App>>({ logger: false });
  await app.init();
  return request(app.getHttpServer());
}

function bodyOf(answer: { body: unknown }): unknown {
  return answer.body;
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe('the health document', () => {
  it('has exactly the agreed fields', async () => {
    const http = await start(new FakeSync());
    expect(bodyOf(await http.get(DOCUMENT).expect(200))).toEqual({
      service: 'MQTT Reliable Sync Service',
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      mqtt: {
        status: 'connected',
        broker: 'mqtt://localhost:1883',
        qosLevel: 1,
        queuedMessages: 0,
        maxQueueSize: 10,
        queueUtilization: '0.0%',
        activeSubscriptions: 0,
        topics: [
          'vessel/sync/work_orders',
          'vessel/sync/alerts',
          'vessel/sync/equipment',
          'vessel/sync/crew',
          'vessel/sync/maintenance',
          'vessel/sync/system',
          'vessel/sync/conflicts',
          'vessel/sync/catchup/#',
        ],
        reconnectAttempts: 0,
        tlsEnabled: false,
      },
      detailedMetrics: {
        messagesPublished: 0,
        messagesQueued: 0,
        messagesDropped: 0,
        publishFailures: 0,
        reconnectionAttempts: 0,
        queueFlushes: 0,
        currentQueueSize: 0,
        maxQueueSize: 10,
        queueUtilization: 0,
        isConnected: true,
        reconnectAttempts: 0,
      },
      incoming: {
        status: 'idle',
        refusedSubscriptions: [],
        unacknowledged: 0,
        handlersRunning: 0,
        handled: 0,
        repeated: 0,
        echoed: 0,
        failedTries: 0,
        parked: 0,
        orderBreaks: 0,
        missing: 0,
        lost: 0,
        waitingParked: 0,
        gaps: [],
      },
      reasons: [],
    });
  });

  it('shows what the broker refuses to let it receive, and is degraded by it', async () => {
    const sync = new FakeSync();
    const refused = { filter: 'vessel/sync/crew', reason: 'Not authorized (0x87)' };
    sync.receiver = { ...sync.receiver, isWanted: true, isConnected: true, refusedSubscriptions: [refused] };
    expect(bodyOf(await (await start(sync)).get(DOCUMENT).expect(200))).toMatchObject({
      status: 'degraded',
      reasons: ['subscription_refused'],
      incoming: { status: 'connected', refusedSubscriptions: [refused] },
    });
  });

  it('is degraded while the receiver has no connection, or cannot record what it handled', async () => {
    const sync = new FakeSync();
    sync.receiver = { ...sync.receiver, isWanted: true, unavailableReason: 'no space left on device' };
    expect(bodyOf(await (await start(sync)).get(DOCUMENT).expect(200))).toMatchObject({
      reasons: ['receiver_not_connected', 'inbox_unavailable'],
      incoming: { status: 'disconnected' },
    });
  });

  it('is degraded, and still answers 200, without a connection', async () => {
    const sync = new FakeSync();
    Object.assign(sync, { connected: false, reconnectAttempts: 3 });
    sync.queue = { ...sync.queue, messages: 9, oldestAcceptedAtMs: sync.nowMs - 301_000 };
    const http = await start(sync);
    expect(bodyOf(await http.get(DOCUMENT).expect(200))).toMatchObject({
      status: 'degraded',
      mqtt: { status: 'disconnected', queuedMessages: 9, queueUtilization: '90.0%', reconnectAttempts: 3 },
      detailedMetrics: { queueUtilization: 90, isConnected: false, reconnectAttempts: 3 },
      reasons: ['not_connected', 'queue_above_80_percent', 'oldest_message_too_old'],
    });
  });

  it('is degraded while sync is turned off', async () => {
    const http = await start(new FakeSync({ localMode: false }));
    expect(bodyOf(await http.get(DOCUMENT).expect(200))).toMatchObject({
      status: 'degraded',
      reasons: ['local_mode_off'],
    });
  });

  it('is a 500 with service and message, and nothing of the cause, when it cannot be composed', async () => {
    const sync = new FakeSync();
    const http = await start(sync);
    vi.spyOn(sync.status, 'queue', 'get').mockImplementation(() => {
      throw new Error('secret path /data/queue');
    });
    const answer = await http.get(DOCUMENT).expect(500);
    expect(Object.keys(bodyOf(answer) as object)).toEqual(['service', 'message']);
    expect(answer.text).not.toContain('secret');
  });

  it('is limited to so many requests a minute, and the probes are not', async () => {
    const http = await start(new FakeSync(), 2);
    await http.get(DOCUMENT).expect(200);
    await http.get(DOCUMENT).expect(200);
    const refused = await http.get(DOCUMENT).expect(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(bodyOf(refused)).toEqual({
      statusCode: 429,
      message: expect.stringMatching(/^One client may ask for this 2 times a minute \(HEALTH_RATE_LIMIT; /) as string,
    });
    for (let count = 0; count < 5; count++) await http.get('/health/ready').expect(200);
  });
});

describe('the probes', () => {
  it('call the process live and ready without a broker', async () => {
    const sync = new FakeSync();
    sync.connected = false;
    const http = await start(sync);
    await http.get('/health/live').expect(200);
    expect(bodyOf(await http.get('/health/ready').expect(200))).toMatchObject({
      status: 'ok',
      details: { mqttSync: { status: 'up', sync: 'degraded', reasons: ['not_connected'], queuedMessages: 0 } },
    });
  });

  it('call it live but not ready when changes cannot be accepted', async () => {
    const sync = new FakeSync();
    const http = await start(sync);
    sync.queue = { ...sync.queue, available: false, unavailableReason: 'no space left on device' };
    await http.get('/health/live').expect(200);
    expect(bodyOf(await http.get('/health/ready').expect(503))).toMatchObject({
      status: 'error',
      details: { mqttSync: { status: 'down', reason: 'no space left on device' } },
    });
  });

  it('call it not ready from the moment it stops', async () => {
    const sync = new FakeSync();
    const http = await start(sync);
    await http.get('/health/ready').expect(200);
    sync.stopping = true;
    await http.get('/health/ready').expect(503);
    await http.get('/health/live').expect(200);
  });
});

import { Controller, type DynamicModule, Get, type INestApplication, Module, Post } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { register as globalRegistry } from 'prom-client';
import request from 'supertest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeSync, FakeSyncModule } from '../../test/helpers/fake-sync.js';
import type { App } from 'supertest/types.js';
import { silentLogger } from '../mqtt-sync/logger.js';
import { DEGRADED_REASONS } from '../mqtt-sync/sync-status.js';
import { SyncMetricsModule } from './sync-metrics.module.js';

const THE_NINE = [
  ['arus_mqtt_connection_status', 'gauge'],
  ['arus_mqtt_messages_dropped_total', 'counter'],
  ['arus_mqtt_messages_published_total', 'counter'],
  ['arus_mqtt_messages_queued_total', 'counter'],
  ['arus_mqtt_publish_failures_total', 'counter'],
  ['arus_mqtt_queue_depth', 'gauge'],
  ['arus_mqtt_queue_flushes_total', 'counter'],
  ['arus_mqtt_queue_utilization_percent', 'gauge'],
  ['arus_mqtt_reconnection_attempts_total', 'counter'],
];

const metricsModule = SyncMetricsModule.forRoot();
/** One definition for several applications, as a class with decorators is. */
@Module({ imports: [metricsModule] })
class UserModule {}

const apps: INestApplication[] = [];

async function start(sync: FakeSync, metrics: typeof UserModule | typeof metricsModule = UserModule) {
  const moduleRef = await Test.createTestingModule({ imports: [FakeSyncModule.of(sync), metrics] }).compile();
  const app = moduleRef.createNestApplication<INestApplication<App>>({ logger: false });
  apps.push(app);
  await app.init();
  return { scrape: async () => (await request(app.getHttpServer()).get('/metrics').expect(200)).text };
}

function families(text: string): string[][] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]);
}

function sample(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('GET /metrics', () => {
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  it('shows exactly the nine arus_mqtt_* metrics, with help, type and a sample, from the first scrape', async () => {
    const { scrape } = await start(new FakeSync());
    const text = await scrape();
    expect(
      families(text)
        .filter(([name]) => name!.startsWith('arus_mqtt_'))
        .sort(),
    ).toEqual(THE_NINE);
    for (const [name] of THE_NINE) {
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
      expect(text).toMatch(new RegExp(`^${name}(\\{.*\\})? `, 'm'));
    }
  });

  it('starts the expected delivery series at zero, with the QoS that their entity type has', async () => {
    const { scrape } = await start(new FakeSync({ entities: { engine_hours: { qos: 0 } } }));
    const text = await scrape();
    const series = (entity: string, operation: string, qos: number) =>
      sample(text, `arus_mqtt_messages_published_total{entity_type="${entity}",operation="${operation}",qos="${qos}"}`);
    expect(series('work_orders', 'create', 1)).toBe(0);
    expect(series('alerts', 'delete', 2)).toBe(0);
    expect(series('engine_hours', 'update', 0)).toBe(0);
    expect(series('alerts', 'create', 1)).toBeUndefined();
  });

  it('reads the counts of the statistics at each scrape, and never adds them twice', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    sync.delivered();
    sync.delivered({ possibleDuplicate: true });
    sync.delivered({ entity: 'alerts', qos: 2 });
    sync.events.emit('queue_flushed', { messages: 3, durationMs: 10 });
    sync.events.emit('publish_failed', { cause: 'rejected', entity: 'x', code: 'CHANGE_INVALID' });
    sync.events.emit('reconnecting', { attempt: 1 });
    sync.events.emit('store_committed', { durationMs: 4 });
    await scrape();
    const text = await scrape();
    const labels = 'entity_type="work_orders",operation="create",qos="1"';
    expect(sample(text, `arus_mqtt_messages_published_total{${labels}}`)).toBe(2);
    expect(sample(text, 'arus_mqtt_queue_flushes_total')).toBe(1);
    expect(sample(text, 'arus_mqtt_publish_failures_total')).toBe(1);
    expect(sample(text, 'arus_mqtt_reconnection_attempts_total')).toBe(1);
    expect(sample(text, 'arus_mqtt_messages_dropped_total')).toBe(0);
    expect(sample(text, 'arus_sync_possible_duplicates_total')).toBe(1);
    expect(sample(text, 'arus_sync_delivery_latency_seconds_count')).toBe(3);
    expect(sample(text, 'arus_sync_delivery_latency_seconds_sum')).toBeCloseTo(0.06);
    expect(sample(text, 'arus_sync_store_commit_seconds_sum')).toBeCloseTo(0.004);
  });

  it('reads queue and connection at each scrape', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    sync.queue = { ...sync.queue, messages: 4, bytes: 700, oldestAcceptedAtMs: sync.nowMs - 2500, deadLetters: 2 };
    sync.inFlight = 3;
    sync.paused = [{ entity: 'crew', sinceMs: sync.nowMs, reasonCode: 0x97 }];
    let text = await scrape();
    expect(sample(text, 'arus_mqtt_queue_depth')).toBe(4);
    expect(sample(text, 'arus_mqtt_queue_utilization_percent')).toBe(70);
    expect(sample(text, 'arus_mqtt_connection_status')).toBe(1);
    expect(sample(text, 'arus_sync_oldest_undelivered_age_seconds')).toBe(2.5);
    expect(sample(text, 'arus_sync_in_flight_messages')).toBe(3);
    expect(sample(text, 'arus_sync_paused_entity_types')).toBe(1);
    expect(sample(text, 'arus_sync_queue_bytes')).toBe(700);
    expect(sample(text, 'arus_sync_dead_letters')).toBe(2);
    sync.connected = false;
    text = await scrape();
    expect(sample(text, 'arus_mqtt_connection_status')).toBe(0);
  });

  it('tells dead letters given up by hand from those for which there was no room, both there from the start', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    const discarded = async () => {
      const text = await scrape();
      return ['too_many', 'by_hand'].map((reason) =>
        sample(text, `arus_sync_dead_letters_discarded_total{reason="${reason}"}`),
      );
    };
    expect(await discarded()).toEqual([0, 0]);
    const letter = { entity: 'crew', sequence: 1, position: 1, messageId: 'id-1' };
    sync.events.emit('dead_letter_discarded', { ...letter, reason: 'too_many' });
    sync.events.emit('dead_letter_discarded', { ...letter, reason: 'too_many' });
    sync.events.emit('dead_letter_discarded', { ...letter, reason: 'by_hand' });
    expect(await discarded()).toEqual([2, 1]);
  });

  it('counts every message that a damaged store has lost, not every time that some were found missing', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    const missing = async () => sample(await scrape(), 'arus_sync_store_messages_missing_total');
    expect(await missing()).toBe(0);
    sync.events.emit('messages_missing', { entity: 'crew', count: 12 });
    sync.events.emit('messages_missing', { entity: 'alerts', count: 1 });
    expect(await missing()).toBe(13);
  });

  it('tells subscriptions to changes that the broker refuses from those to requests', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    const refused = async () => {
      const text = await scrape();
      return ['changes', 'requests'].map((purpose) =>
        sample(text, `arus_sync_refused_subscriptions{purpose="${purpose}"}`),
      );
    };
    expect(await refused()).toEqual([0, 0]);
    sync.receiver = { ...sync.receiver, refusedSubscriptions: [{ filter: 'a/#', reason: 'not_authorized' }] };
    expect(await refused()).toEqual([1, 0]);
    const states = ['refused', 'granted', 'not_asked', 'refused'] as const;
    sync.requests = states.map((state, index) => ({ filter: `catchup/request/${index}`, state }));
    expect(await refused()).toEqual([1, 2]);
    expect(sync.status.status).toBe('degraded');
    sync.receiver = { ...sync.receiver, refusedSubscriptions: [] };
    expect(sync.status.status).toBe('healthy');
  });

  it('shows every reason to be degraded, and which of them apply', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    for (const reason of DEGRADED_REASONS) {
      expect(sample(await scrape(), `arus_sync_degraded_reason{reason="${reason}"}`)).toBe(0);
    }
    sync.connected = false;
    const text = await scrape();
    expect(sample(text, 'arus_sync_degraded_reason{reason="not_connected"}')).toBe(1);
    expect(sample(text, 'arus_sync_degraded_reason{reason="queue_unavailable"}')).toBe(0);
  });

  it('counts connections, and says whose changes they carry', async () => {
    const sync = new FakeSync();
    const { scrape } = await start(sync);
    sync.events.emit('connected', { protocol: '5', sessionPresent: false });
    const text = await scrape();
    expect(sample(text, 'arus_sync_connections_total')).toBe(1);
    expect(text).toMatch(/^arus_sync_build_info\{.*vessel_id="mv-test".*\} 1$/m);
  });

  it('keeps two applications in one process apart, even with one module definition', async () => {
    const [first, second] = [new FakeSync(), new FakeSync()];
    const [one, other] = [await start(first), await start(second)];
    first.connected = false;
    expect(sample(await one.scrape(), 'arus_mqtt_connection_status')).toBe(0);
    expect(sample(await other.scrape(), 'arus_mqtt_connection_status')).toBe(1);
    expect(globalRegistry.getMetricsAsArray()).toEqual([]);
  });

  describe('beside a PrometheusModule of the application', () => {
    /** What the application measures, at /metrics unless said otherwise. */
    const ownMetrics = () => PrometheusModule.register({ defaultMetrics: { enabled: true } });

    const serve = async (...imports: DynamicModule[]) => {
      const logger = { ...silentLogger, warn: vi.fn() };
      const definition = { imports: [FakeSyncModule.of(new FakeSync()), ...imports] };
      const moduleRef = await Test.createTestingModule(definition).compile();
      const app = moduleRef.createNestApplication<INestApplication<App>>();
      apps.push(app);
      app.useLogger(logger);
      await app.init();
      const get = async (path: string) => (await request(app.getHttpServer()).get(path)).text;
      return { get, warnings: logger.warn.mock.calls.map(([line]) => String(line)) };
    };

    afterEach(() => globalRegistry.clear());

    it('serves its metrics at a path of their own, and the application its own', async () => {
      const { get, warnings } = await serve(ownMetrics(), SyncMetricsModule.forRoot({ path: '/metrics/sync' }));
      expect(sample(await get('/metrics/sync'), 'arus_mqtt_queue_depth')).toBe(0);
      const own = await get('/metrics');
      expect(sample(own, 'process_resident_memory_bytes')).toBeGreaterThan(0);
      expect(own).not.toContain('arus_');
      expect(warnings).toEqual([]);
    });

    it.each([
      ['first', () => [ownMetrics(), SyncMetricsModule.forRoot()]],
      ['last', () => [SyncMetricsModule.forRoot(), ownMetrics()]],
    ])('warns that both are at one path, the application registered %s', async (_where, modules) => {
      const { warnings } = await serve(...modules());
      expect(warnings).toEqual([
        expect.stringMatching(/^PrometheusController answers at \/metrics .* another path\.$/),
      ]);
    });

    it('does not warn of a controller that has only other addresses below that path', async () => {
      @Controller('metrics')
      class Others {
        @Get('others')
        others(): string {
          return 'none';
        }

        @Post()
        reset(): void {}
      }
      const others = { module: class OthersModule {}, controllers: [Others] };
      const { warnings } = await serve(others, SyncMetricsModule.forRoot());
      expect(warnings).toEqual([]);
    });
  });

  it('keeps the paths of two applications in one process apart', async () => {
    const definitions = ['/one', '/other'].map((path) => SyncMetricsModule.forRoot({ path, processMetrics: false }));
    for (const [index, path] of ['/one', '/other'].entries()) {
      const imports = [FakeSyncModule.of(new FakeSync()), definitions[index]!];
      const app = (await Test.createTestingModule({ imports }).compile()).createNestApplication<
        INestApplication<App>
      >();
      apps.push(app);
      await app.init();
      await request(app.getHttpServer()).get(path).expect(200);
    }
  });

  it('adds the metrics of the process unless told not to', async () => {
    const sync = new FakeSync();
    const withProcess = await (await start(sync)).scrape();
    expect(sample(withProcess, 'process_resident_memory_bytes')).toBeGreaterThan(0);
    const without = await (await start(sync, SyncMetricsModule.forRoot({ processMetrics: false }))).scrape();
    expect(families(without).every(([name]) => /^arus_(mqtt|sync)_/.test(name!))).toBe(true);
  });
});

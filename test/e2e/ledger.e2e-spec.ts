import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { Observer } from '../helpers/observer.js';
import { metricOf, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

/** Where each number of the health document has its like among the metrics. */
const LIKE = {
  messagesPublished: 'arus_mqtt_messages_published_total',
  messagesQueued: 'arus_mqtt_messages_queued_total',
  messagesDropped: 'arus_mqtt_messages_dropped_total',
  publishFailures: 'arus_mqtt_publish_failures_total',
  reconnectionAttempts: 'arus_mqtt_reconnection_attempts_total',
  queueFlushes: 'arus_mqtt_queue_flushes_total',
  currentQueueSize: 'arus_mqtt_queue_depth',
  queueUtilization: 'arus_mqtt_queue_utilization_percent',
} as const;

type Numbers = Readonly<Record<keyof typeof LIKE, number>>;

const QUEUE_SIZE = 10;
/** Everybody may do everything, but nobody may publish this one. */
const ACL = ['topic read vessel/sync/#', 'topic write vessel/sync/#', 'topic deny vessel/sync/payroll', ''].join('\n');

function change(entity: string, operation: 'create' | 'update' | 'delete', number: number, qos?: number) {
  return { entity, operation, key: `${entity}-1`, data: { number }, ...(qos !== undefined && { qos }) };
}

/** Published deliveries by `entity operation qos`, as Prometheus has them. */
function publishedByLabels(text: string): Record<string, number> {
  const series = /^arus_mqtt_messages_published_total\{entity_type="(.+?)",operation="(.+?)",qos="(\d)"\} (\d+)$/gm;
  const found = [...text.matchAll(series)].map(([, ...parts]) => parts as [string, string, string, string]);
  return Object.fromEntries(
    found.flatMap(([entity, operation, qos, count]) =>
      count === '0' ? [] : [[`${entity} ${operation} ${qos}`, Number(count)]],
    ),
  );
}

/** A service on a link that can be cut, and the witness beyond it. */
class Scene {
  private constructor(
    readonly proxy: TcpProxy,
    readonly observer: Observer,
    readonly service: ServiceProcess,
  ) {}

  static async set(): Promise<Scene> {
    const config = (folder: string) => {
      const file = join(folder, 'acl');
      writeFileSync(file, ACL);
      return `allow_anonymous true\nacl_file ${file}`;
    };
    const broker = await Mosquitto.start({ config });
    const proxy = await TcpProxy.start(broker.port);
    const observer = await Observer.at(broker.url);
    const service = await ServiceProcess.start({
      MQTT_BROKER_URL: proxy.url,
      MQTT_QUEUE_DIR: temporaryFolder(),
      MQTT_MAX_QUEUE_SIZE: String(QUEUE_SIZE),
      MQTT_RECONNECT_MAX_S: '1',
    });
    await service.untilHealth('the connection', ({ mqtt }) => mqtt.status === 'connected');
    return new Scene(proxy, observer, service);
  }

  async accept(...changes: object[]): Promise<void> {
    for (const one of changes) expect((await this.service.post(one)).status).toBe(202);
  }

  async reject(one: unknown): Promise<void> {
    expect((await this.service.post(one)).status).toBeGreaterThanOrEqual(400);
  }

  /** Compares the health document with Prometheus, and both with what is expected. */
  async compare(step: string, expected: Partial<Numbers>): Promise<Numbers> {
    const { detailedMetrics: health, mqtt } = await this.service.health();
    const text = await this.service.metrics();
    for (const [field, metric] of Object.entries(LIKE)) {
      // Attempts go on between the two requests; the other numbers stand still when a step is over.
      if (field === 'reconnectionAttempts' && !health.isConnected) continue;
      expect(metricOf(text, metric), `${step}: ${metric} and ${field}`).toBe(health[field as keyof Numbers]);
    }
    expect(metricOf(text, 'arus_mqtt_connection_status'), step).toBe(health.isConnected ? 1 : 0);
    expect(mqtt).toMatchObject({
      queuedMessages: health.currentQueueSize,
      reconnectAttempts: health.reconnectAttempts,
    });
    expect(health, step).toMatchObject(expected);
    return health;
  }

  /** Waits until nothing is left in the queue and the numbers are there, then compares. */
  async drained(step: string, expected: Partial<Numbers>): Promise<Numbers> {
    const wanted = Object.entries({ currentQueueSize: 0, queueUtilization: 0, ...expected });
    // A message leaves the depth with its acknowledgement, and counts as flushed when its removal is on disk.
    await this.service.untilHealth(`${step}: ${JSON.stringify(expected)}`, ({ detailedMetrics }) =>
      wanted.every(([field, value]) => detailedMetrics[field as keyof Numbers] === value),
    );
    return this.compare(step, expected);
  }

  async disconnected(): Promise<void> {
    await this.service.untilHealth('the cut to be seen', ({ mqtt }) => mqtt.status === 'disconnected');
  }

  /** Waits until the witness has seen as many changes, and compares who was published how often. */
  async witnessed(count: number): Promise<void> {
    await until(() => this.observer.distinct.length === count, {
      what: () => `${count} changes at the broker, it passed on ${this.observer.distinct.length}`,
    });
    expect(publishedByLabels(await this.service.metrics())).toEqual(this.observer.countsByLabels());
  }
}

describeWithMosquitto('every counter, on every path', () => {
  /**
   * The service that this one replaces counted locally and forgot Prometheus in four of these places; and what neither
   * of two views that agree can tell is whether the broker agrees.
   */
  it('is the same in the health document and in Prometheus, and what the broker really received', async () => {
    const scene = await Scene.set();
    const { proxy, service } = scene;
    await scene.compare('at the start', {
      messagesPublished: 0,
      messagesQueued: 0,
      messagesDropped: 0,
      publishFailures: 0,
      reconnectionAttempts: 0,
      queueFlushes: 0,
      currentQueueSize: 0,
    });

    // Published: three entity types, three operations, three levels of QoS.
    await scene.accept(
      change('work_orders', 'create', 1),
      change('work_orders', 'update', 2),
      change('alerts', 'create', 3),
      change('crew', 'delete', 4, 0),
    );
    await scene.drained('published', { messagesPublished: 4, messagesQueued: 0, publishFailures: 0, queueFlushes: 0 });
    await scene.witnessed(4);

    // Failed: rejected by publish() twice, wrong before publish() twice, refused by the broker once.
    await scene.reject(change('Crew', 'create', 1));
    await scene.reject({ ...change('crew', 'create', 1), data: 'x'.repeat(300_000) });
    await scene.reject({ ...change('crew', 'create', 1), colour: 'red' });
    await scene.reject('{"entity":');
    await scene.compare('rejected', { publishFailures: 2, messagesPublished: 4 });
    await scene.accept(change('payroll', 'create', 1));
    await scene.drained('refused', { publishFailures: 3, messagesPublished: 4, messagesDropped: 0 });
    expect(metricOf(await service.metrics(), 'arus_sync_dead_letters')).toBe(1);

    // Queued and dropped: accepted while the link is away, three more than there is room for.
    await proxy.refuse();
    proxy.cut();
    await scene.disconnected();
    for (let number = 0; number < QUEUE_SIZE + 3; number++) await scene.accept(change('equipment', 'update', number));
    await scene.compare('queued and dropped', {
      messagesQueued: QUEUE_SIZE + 3,
      messagesDropped: 3,
      publishFailures: 3,
      currentQueueSize: QUEUE_SIZE,
      queueUtilization: 100,
    });
    expect((await service.health()).reasons).toEqual(['not_connected', 'queue_above_80_percent']);

    // Reconnected and flushed.
    await service.untilHealth('attempts', ({ mqtt }) => mqtt.reconnectAttempts >= 2);
    await proxy.accept();
    const flushed = await scene.drained('flushed', { messagesPublished: 4 + QUEUE_SIZE, queueFlushes: 1 });
    expect(flushed.reconnectionAttempts).toBeGreaterThanOrEqual(2);
    expect((await service.health()).mqtt.reconnectAttempts).toBe(0);
    await scene.witnessed(4 + QUEUE_SIZE);

    // Failed and queued again: the broker has them, but its acknowledgements get lost with the connection.
    proxy.blackHole(['down']);
    await scene.accept(change('crew', 'update', 1), change('conflicts', 'create', 2));
    await until(() => scene.observer.distinct.length === 6 + QUEUE_SIZE, { what: 'both to reach the broker' });
    await scene.compare('in flight', { messagesPublished: 4 + QUEUE_SIZE, currentQueueSize: 2, publishFailures: 3 });
    await proxy.refuse();
    proxy.cut();
    proxy.heal();
    await scene.disconnected();
    await scene.compare('put back', { messagesQueued: QUEUE_SIZE + 5, publishFailures: 5, currentQueueSize: 2 });
    await proxy.accept();
    await scene.drained('delivered again', {
      messagesPublished: 6 + QUEUE_SIZE,
      messagesDropped: 3,
      publishFailures: 5,
      queueFlushes: 2,
    });
    await scene.witnessed(6 + QUEUE_SIZE);
    const repeated = () => scene.observer.changes.length - scene.observer.distinct.length;
    await until(async () => metricOf(await service.metrics(), 'arus_sync_possible_duplicates_total') === repeated(), {
      what: () => `the repeats that are told; ${repeated()} came`,
    });
    expect(await service.health()).toMatchObject({ status: 'healthy', reasons: [] });
  });
});

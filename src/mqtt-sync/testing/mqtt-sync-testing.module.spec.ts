import { Controller, type DynamicModule, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { Test, type TestingModule } from '@nestjs/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MqttSyncHealthIndicator } from '../../health/mqtt-sync.health.js';
import { SyncHealthModule } from '../../health/sync-health.module.js';
import { SyncMetricsModule } from '../../metrics/sync-metrics.module.js';
import {
  DeliveryAbortedError,
  DeliveryTimeoutError,
  MessageDeadLetteredError,
  MessageDroppedError,
  MqttSyncError,
  NotSubscribedError,
  QueueFullError,
  QueueUnavailableError,
  StoppingError,
} from '../errors.js';
import { silentLogger } from '../logger.js';
import { MqttSyncModule, mqttSyncExports } from '../mqtt-sync.module.js';
import type { MqttSyncOptions } from '../mqtt-sync.options.js';
import { SyncPublisher } from '../publisher/sync-publisher.service.js';
import { MqttSyncContext } from '../subscriber/mqtt-sync-context.js';
import { MQTT_SYNC, MqttSyncServer } from '../subscriber/mqtt-sync.server.js';
import { SyncSubscriber } from '../subscriber/sync-subscriber.service.js';
import { SyncEvents } from '../sync-events.js';
import { SyncStatistics } from '../sync-statistics.js';
import { SyncStatus } from '../sync-status.js';
import { MqttSyncTestingModule, RecordingPublisher, TestingBroker } from './index.js';

async function compiled(imports: DynamicModule[], providers: (new (...args: never[]) => object)[] = []) {
  const module = await Test.createTestingModule({ imports, providers }).setLogger(silentLogger).compile();
  onTestFinished(() => module.close());
  return module;
}

async function scene(options: MqttSyncOptions = {}) {
  const module = await compiled([MqttSyncTestingModule.register(options)]);
  const heard: string[] = [];
  const names = ['message_accepted', 'message_queued', 'message_published', 'publish_failed', 'disconnected'] as const;
  for (const name of names) module.get(SyncEvents).on(name, () => heard.push(name));
  return {
    module,
    heard,
    publisher: module.get(SyncPublisher),
    recorder: module.get(RecordingPublisher),
    broker: module.get(TestingBroker),
  };
}

describe('a publisher of the testing module', () => {
  /** Calls that tell the two apart, and what comes of them. */
  const calls: [string, (publisher: SyncPublisher, module: TestingModule) => Promise<unknown>][] = [
    ['a change', (publisher) => publisher.publish('crew', 'create', { id: 1 })],
    ['a bad change', (publisher) => publisher.publish('Bad Type', 'create', {})],
    ['a change that cannot be serialised', (publisher) => publisher.publish('crew', 'create', { amount: 1n })],
    ['a change without data', (publisher) => publisher.publish('crew', 'create')],
    [
      'a message id again',
      async (publisher) => [
        await publisher.publish('crew', 'create', { id: 1 }, { messageId: 'm-1' }),
        await publisher.publish('crew', 'create', { id: 1 }, { messageId: 'm-1' }),
      ],
    ],
    [
      'a message id twice in one call',
      (publisher) => {
        const change = { entity: 'crew', operation: 'create', data: {}, messageId: 'm-1' } as const;
        return publisher.publishMany([change, change]);
      },
    ],
    [
      'a message id of another change',
      async (publisher) => {
        await publisher.publish('crew', 'create', {}, { messageId: 'm-1' });
        return publisher.publish('alerts', 'create', {}, { messageId: 'm-1' });
      },
    ],
    [
      'several changes, one of them bad',
      (publisher) =>
        publisher.publishMany([
          { entity: 'crew', operation: 'create', data: { id: 1 } },
          { entity: 'BAD', operation: 'create', data: 1 },
        ]),
    ],
    ['no changes', (publisher) => publisher.publishMany([])],
    ['text in place of changes', (publisher) => publisher.publishMany('x' as never)],
    ['nothing in place of changes', (publisher) => publisher.publishMany(null as never)],
    [
      'more entity types than there may be',
      (publisher) =>
        publisher.publishMany(
          Array.from({ length: 300 }, (_, index) => ({ entity: `t${index}`, operation: 'create', data: {} }) as const),
        ),
    ],
    [
      'a change while the application stops',
      async (publisher, module) => {
        await module.close();
        return publisher.publish('crew', 'create', {}).catch((error: Error) => [publisher.isStopping, outcome(error)]);
      },
    ],
  ];

  /** What a test could compare, without what is different each time. */
  function outcome(result: unknown): unknown {
    if (result instanceof MqttSyncError) return [result.name, result.code, result.index, result.message];
    if (result instanceof Error) return [result.name, result.message];
    return JSON.parse(JSON.stringify(result, (name, value: unknown) => (isOwn(name) ? undefined : value))) as unknown;
  }
  // The real one has no connection here.
  const isOwn = (name: string) => name === 'messageId' || name === 'waiting';

  it.each(calls)('takes %s as the real one does', async (_what, call) => {
    const answers: unknown[] = [];
    for (const imports of [
      [MqttSyncModule.forRoot({ vesselId: 'mv-a', queue: { store: 'memory' } })],
      [MqttSyncTestingModule.register({ vesselId: 'mv-a', queue: { store: 'memory' } })],
    ]) {
      const module = await compiled(imports);
      const failures: unknown[] = [];
      module.get(SyncEvents).on('publish_failed', ({ cause, code }) => failures.push([cause, code]));
      const answer = await call(module.get(SyncPublisher), module).catch((error: unknown) => error);
      answers.push([outcome(answer), failures]);
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it('records the changes of a call in their order, whatever their lanes, and a repeat once', async () => {
    const { publisher, recorder } = await scene();
    await publisher.publishMany([
      { entity: 'crew', operation: 'create', data: { id: 'C-1' }, messageId: 'm-1' },
      { entity: 'alerts', operation: 'create', data: { id: 'A-1' } },
      { entity: 'crew', operation: 'create', data: { id: 'C-1' }, messageId: 'm-1' },
      { entity: 'crew', operation: 'delete', key: 'C-1' },
    ]);
    expect(recorder.published).toMatchObject([
      { entity: 'crew', operation: 'create', key: 'C-1', data: { id: 'C-1' }, messageId: 'm-1', sequence: 1 },
      { entity: 'alerts', operation: 'create', key: 'A-1', qos: 2, sequence: 1 },
      { entity: 'crew', operation: 'delete', key: 'C-1', data: undefined, sequence: 2 },
    ]);
  });

  it('says in the receipt how safe the store is that the options ask for', async () => {
    const durable = async (options: MqttSyncOptions) =>
      (await (await scene(options)).publisher.publish('crew', 'create', {})).durable;
    expect(await durable({})).toBe(true);
    expect(await durable({ queue: { store: 'memory' } })).toBe(false);
  });

  it('records nothing while sync is off, and says so in the receipt', async () => {
    const { publisher, recorder } = await scene({ localMode: false });
    await expect(publisher.publish('crew', 'create', {})).resolves.toMatchObject({ skipped: true });
    expect(recorder.published).toEqual([]);
  });

  it('tells of the failure that a test asks for as of any other', async () => {
    const { publisher, recorder, heard } = await scene();
    recorder.failNext(new QueueFullError('full'));
    await expect(publisher.publish('crew', 'create', {})).rejects.toThrow(QueueFullError);
    await expect(publisher.publish('crew', 'create', {})).resolves.toMatchObject({ sequence: 1 });
    expect(heard).toEqual(['publish_failed', 'message_accepted', 'message_published']);
  });

  it('works under fake timers', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { publisher, recorder } = await scene();
    for (const id of [1, 2, 3]) await (await publisher.publish('crew', 'create', { id })).delivered();
    await Promise.all([4, 5].map((id) => publisher.publish('crew', 'create', { id })));
    expect(recorder.published).toHaveLength(5);
  });

  it('takes more changes than the queue holds, for none of them waits', async () => {
    const { publisher, module } = await scene({ queue: { maxMessages: 2, overflowPolicy: 'reject' } });
    for (const id of [1, 2, 3, 4]) await publisher.publish('crew', 'create', { id });
    expect(module.get(SyncStatus).queue.messages).toBe(0);
    expect(module.get(SyncStatistics).messagesPublished).toBe(4);
  });
});

describe('the broker of the testing module', () => {
  it('lets changes wait while it is away, and takes them when it is back', async () => {
    const { publisher, broker, module, heard } = await scene();
    broker.disconnect();
    const receipt = await publisher.publish('crew', 'create', { id: 1 });
    expect(receipt.waiting).toBe(true);
    expect(module.get(SyncStatus).reasons).toEqual(['not_connected']);
    await expect(receipt.delivered({ timeoutMs: 1 })).rejects.toThrow(DeliveryTimeoutError);
    await expect(receipt.delivered({ signal: AbortSignal.abort() })).rejects.toThrow(DeliveryAbortedError);
    const delivered = receipt.delivered();
    broker.connect();
    await delivered;
    expect(heard).toEqual(['disconnected', 'message_accepted', 'message_queued', 'message_published']);
    expect(module.get(SyncStatus).status).toBe('healthy');
    expect(await publisher.publish('crew', 'create', { id: 2 })).toMatchObject({ waiting: false });
  });

  it('refuses a message when a test asks for it, and only that one', async () => {
    const { publisher, broker } = await scene();
    broker.refuseNext();
    const refused = await publisher.publish('crew', 'create', { id: 1 });
    await expect(refused.delivered()).rejects.toThrow(MessageDeadLetteredError);
    await (await publisher.publish('crew', 'create', { id: 2 })).delivered();
  });

  it('is away for as long as it takes to fill a queue, which then drops as it does', async () => {
    const { publisher, broker } = await scene({ queue: { maxMessages: 1 } });
    broker.disconnect();
    const dropped = (await publisher.publish('crew', 'create', { id: 1 })).delivered();
    await Promise.all([expect(dropped).rejects.toThrow(MessageDroppedError), publisher.publish('crew', 'create', {})]);
  });

  it('is waited for until the application stops', async () => {
    const { publisher, broker, module } = await scene();
    broker.disconnect();
    const delivered = (await publisher.publish('crew', 'create', { id: 1 })).delivered();
    await Promise.all([expect(delivered).rejects.toThrow(StoppingError), module.close()]);
  });
});

describe('what comes in', () => {
  @Injectable()
  class CrewList implements OnModuleInit {
    readonly handled: (readonly [unknown, MqttSyncContext])[] = [];
    failure: Error | undefined;

    constructor(@Inject(SyncSubscriber) private readonly subscriber: SyncSubscriber) {}

    onModuleInit(): void {
      this.subscriber.subscribe('crew', async (person, context) => {
        await Promise.resolve();
        if (this.failure) throw this.failure;
        this.handled.push([person, context]);
      });
    }
  }

  async function receiving(options: MqttSyncOptions = {}) {
    const module = await compiled([MqttSyncTestingModule.register(options)], [CrewList]);
    await module.init();
    return { module, list: module.get(CrewList), broker: module.get(TestingBroker) };
  }

  it('is handed to the handlers of a service, with all that they can know of it', async () => {
    const { list, broker, module } = await receiving({ inboundPrefix: 'fleet/+/up' });
    await broker.receive({ entity: 'crew', operation: 'update', key: 'C-1', data: { name: 'Ada' }, messageId: 'm-1' });
    const [[person, context]] = list.handled as [[unknown, MqttSyncContext]];
    expect(person).toEqual({ name: 'Ada' });
    const { entity, operation, key, messageId, vesselId, sequence, stale, replayed, topic, form } = context;
    expect({ entity, operation, key, messageId, vesselId, sequence, stale, replayed, topic, form }).toEqual({
      ...{ entity: 'crew', operation: 'update', key: 'C-1', messageId: 'm-1', vesselId: 'other-vessel', sequence: 1 },
      ...{ stale: false, replayed: false, topic: 'fleet/other-vessel/up/crew', form: 'envelope' },
    });
    expect(module.get(SyncStatus).status).toBe('healthy');
  });

  it('is stale, replayed or retained when a test says so', async () => {
    const { list, broker } = await receiving();
    const change = { entity: 'crew', operation: 'update', key: 'C-1', data: {} } as const;
    await broker.receive({ ...change, stale: true });
    await broker.receive({ ...change, key: 'C-2', replayed: true });
    await broker.receive({ ...change, key: 'C-3', retained: true });
    const flags = list.handled.map(([, { stale, replayed, retained }]) => [stale, replayed, retained]);
    expect(flags).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
  });

  it('fails for the test as the handler does, and can be handed over again', async () => {
    const { list, broker } = await receiving();
    const change = { entity: 'crew', operation: 'delete', key: 'C-1' } as const;
    list.failure = new QueueUnavailableError('disk full');
    await expect(broker.receive(change)).rejects.toBe(list.failure);
    list.failure = undefined;
    await broker.receive(change);
    expect(list.handled).toMatchObject([[undefined, { operation: 'delete' }]]);
  });

  it('fails when nobody handles it', async () => {
    const { broker } = await receiving();
    const nobody = broker.receive({ entity: 'alerts', operation: 'create', data: {} });
    await expect(nobody).rejects.toThrow(NotSubscribedError);
  });

  it('is handed to the controllers of an application, too', async () => {
    const heard: unknown[] = [];
    @Controller()
    class WorkOrderChanges {
      @EventPattern<string>('work_orders', MQTT_SYNC)
      changed(@Payload() order: unknown, @Ctx() context: MqttSyncContext): void {
        heard.push([order, context.key]);
      }
    }
    const definition = { imports: [MqttSyncTestingModule.register()], controllers: [WorkOrderChanges] };
    const app = (await Test.createTestingModule(definition).compile()).createNestApplication({ logger: false });
    onTestFinished(() => app.close());
    app.connectMicroservice({ strategy: app.get(MqttSyncServer) });
    await app.startAllMicroservices();
    await app.init();
    const change = { entity: 'work_orders', operation: 'update', key: 'WO-1', data: { status: 'closed' } } as const;
    await app.get(TestingBroker).receive(change);
    expect(heard).toEqual([[{ status: 'closed' }, 'WO-1']]);
  });
});

describe('the testing module', () => {
  it.each(mqttSyncExports.map((token) => [typeof token === 'symbol' ? String(token) : token.name, token] as const))(
    'provides %s as the real one does',
    async (_name, token) => {
      const module = await compiled([MqttSyncTestingModule.register()]);
      const provided: unknown = module.get(token as never);
      if (typeof token === 'function') expect(provided).toBeInstanceOf(token);
      else expect(provided).toMatchObject({ vesselId: 'test-vessel' });
    },
  );

  it('is enough for the modules and sources that an application has beside the real one', async () => {
    const source = { changes: async function* () {} };
    const module = await compiled([
      MqttSyncTestingModule.register(),
      SyncHealthModule.forRoot(),
      SyncMetricsModule.forRoot({ processMetrics: false }),
      MqttSyncModule.forFeature([{ entity: 'crew', source }]),
    ]);
    await module.init();
    expect(module.get(MqttSyncHealthIndicator).isHealthy()).toMatchObject({ mqttSync: { status: 'up' } });
  });
});

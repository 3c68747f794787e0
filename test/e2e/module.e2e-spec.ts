import { Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ChangeInvalidError,
  ChangeTooLargeError,
  EntityTypeInvalidError,
  OptionsError,
  QueueFullError,
  QueueLockedError,
} from '../../src/mqtt-sync/errors.js';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import { MQTT_SYNC_OPTIONS } from '../../src/mqtt-sync/mqtt-sync.module-definition.js';
import type { ResolvedOptions } from '../../src/mqtt-sync/resolve-options.js';
import { SyncPublisher } from '../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import { MqttSyncTestingModule, RecordingPublisher } from '../../src/mqtt-sync/testing/index.js';
import { freePort } from '../helpers/ports.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

@Injectable()
class WorkOrders implements OnModuleInit {
  sequence: number | undefined;

  constructor(private readonly sync: SyncPublisher) {}

  async onModuleInit(): Promise<void> {
    ({ sequence: this.sequence } = await this.sync.publish('work_orders', 'create', { id: 'WO-1' }));
  }

  close(id: string) {
    return this.sync.publish('work_orders', 'update', { id, status: 'closed' }, { key: id });
  }
}

@Module({ providers: [WorkOrders], exports: [WorkOrders] })
class WorkOrdersModule {}

async function contextOf(module: object) {
  const context = await NestFactory.createApplicationContext(module as never, { logger: false, abortOnError: false });
  onTestFinished(() => context.close());
  return context;
}

/** Nobody listens there. */
const nowhere = async () => `mqtt://127.0.0.1:${await freePort()}`;

describe('MqttSyncModule', () => {
  it('lets feature modules publish from their own onModuleInit, without importing it, when it is global', async () => {
    const sync = MqttSyncModule.forRoot({ brokerUrl: await nowhere(), queue: { dir: queueFolder() }, isGlobal: true });
    @Module({ imports: [WorkOrdersModule, sync] })
    class ApplicationModule {}
    const context = await contextOf(ApplicationModule);
    expect(context.get(WorkOrders, { strict: false }).sequence).toBe(1);
    expect(context.get(SyncStatus).queue.messages).toBe(1);
  });

  it('takes its options from a factory with injected dependencies', async () => {
    @Module({ providers: [{ provide: 'VESSEL', useValue: 'mv-async' }], exports: ['VESSEL'] })
    class SettingsModule {}
    const brokerUrl = await nowhere();
    const sync = MqttSyncModule.forRootAsync({
      imports: [SettingsModule],
      inject: ['VESSEL'],
      useFactory: (vesselId: string) => ({ brokerUrl, vesselId, queue: { store: 'memory' } }),
    });
    @Injectable()
    class Options {
      constructor(@Inject(MQTT_SYNC_OPTIONS) readonly resolved: ResolvedOptions) {}
    }
    @Module({ imports: [sync], providers: [Options] })
    class ApplicationModule {}
    const context = await contextOf(ApplicationModule);
    expect(context.get(Options).resolved).toMatchObject({ vesselId: 'mv-async', queue: { maxMessages: 10_000 } });
  });

  it('does not start with wrong options, and lists what is wrong with them', async () => {
    const sync = MqttSyncModule.forRoot({ inflightWindow: 0, queue: { maxMessages: -1 } });
    const start = NestFactory.createApplicationContext(sync as never, { logger: false, abortOnError: false });
    await expect(start).rejects.toThrow(OptionsError);
    await expect(start).rejects.toThrow(/inflightWindow.*queue\.maxMessages|queue\.maxMessages.*inflightWindow/);
  });

  it('does not start on a queue folder that is in use, and leaves the one that uses it alone', async () => {
    const options = { brokerUrl: await nowhere(), queue: { dir: queueFolder() } };
    const first = await SyncApplication.start(options);
    await expect(SyncApplication.start(options)).rejects.toThrow(QueueLockedError);
    await expect(first.publisher.publish('crew', 'create', { id: 1 })).resolves.toMatchObject({ sequence: 1 });
  });

  it('starts with a folder it cannot use, rejects changes with a typed error, and recovers by itself', async () => {
    const { mkdirSync, rmSync, writeFileSync } = await import('node:fs');
    const dir = `${queueFolder()}/queue`;
    writeFileSync(dir, 'a file where the folder should be');
    const application = await SyncApplication.start({ brokerUrl: await nowhere(), queue: { dir } });
    await expect(application.publisher.publish('crew', 'create', { id: 1 })).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      retryable: true,
    });
    expect(application.status.accepting).toBe(false);
    expect(application.status.reasons).toContain('queue_unavailable');
    rmSync(dir);
    mkdirSync(dir);
    await until(() => application.status.accepting, { deadlineMs: 15_000, what: 'the queue to open' });
    await expect(application.publisher.publish('crew', 'create', { id: 1 })).resolves.toMatchObject({ sequence: 1 });
  });

  it('keeps two modules in one process apart', async () => {
    const [first, second] = [
      await SyncApplication.start({ brokerUrl: await nowhere(), queue: { dir: queueFolder() } }),
      await SyncApplication.start({ brokerUrl: await nowhere(), queue: { dir: queueFolder() } }),
    ];
    await first.publisher.publish('crew', 'create', { id: 1 });
    expect(first.status.queue.messages).toBe(1);
    expect(second.status.queue.messages).toBe(0);
    expect(second.status.statistics.messagesQueued).toBe(0);
  });

  it('counts one failure for each rejected call, and stores nothing of it', async () => {
    const application = await SyncApplication.start({ brokerUrl: await nowhere(), queue: { store: 'memory' } });
    const { publisher, status } = application;
    await expect(publisher.publish('Not Valid', 'create', {})).rejects.toThrow(EntityTypeInvalidError);
    await expect(publisher.publish('crew', 'upsert' as never, {})).rejects.toThrow(ChangeInvalidError);
    const batch = publisher.publishMany([
      { entity: 'crew', operation: 'create', data: { id: 1 } },
      { entity: 'crew', operation: 'create', data: { amount: 1n } },
    ]);
    await expect(batch).rejects.toMatchObject({ code: 'CHANGE_NOT_SERIALISABLE', index: 1 });
    expect(status.statistics.publishFailures).toBe(3);
    expect(status.queue.messages).toBe(0);
    await expect(publisher.publish('crew', 'create', { id: 2 })).resolves.toMatchObject({ sequence: 1 });
  });
});

describe('MqttSyncTestingModule', () => {
  const start = async () => {
    const module = await Test.createTestingModule({
      imports: [MqttSyncTestingModule.register(), WorkOrdersModule],
    }).compile();
    return { orders: module.get(WorkOrders, { strict: false }), recorder: module.get(RecordingPublisher) };
  };

  it('records what would have gone over the wire, without broker or disk', async () => {
    const { orders, recorder } = await start();
    const receipt = await orders.close('WO-1');
    await receipt.delivered();
    expect(recorder.published).toMatchObject([
      {
        entity: 'work_orders',
        operation: 'update',
        key: 'WO-1',
        data: { id: 'WO-1', status: 'closed' },
        topic: 'vessel/sync/work_orders',
        qos: 1,
        retain: true,
        sequence: 1,
      },
    ]);
    recorder.clear();
    expect(recorder.published).toEqual([]);
  });

  it('rejects a wrong change as the real one does', async () => {
    const { recorder } = await start();
    await expect(recorder.publish('Bad Type', 'create', {})).rejects.toThrow(EntityTypeInvalidError);
    expect(recorder.published).toEqual([]);
  });

  it("takes the application's own prefix, policies and size limit, and lets it listen to events", async () => {
    const options = {
      topicPrefix: 'fleet/{vesselId}',
      vesselId: 'a1',
      entities: { crew: { qos: 2 } },
      maxMessageBytes: 512,
    } as const;
    const module = await Test.createTestingModule({ imports: [MqttSyncTestingModule.register(options)] }).compile();
    const recorder = module.get(RecordingPublisher);
    await recorder.publish('crew', 'create', { id: 1 });
    expect(recorder.published).toMatchObject([{ topic: 'fleet/a1/crew', qos: 2 }]);
    await expect(recorder.publish('crew', 'create', { note: 'x'.repeat(600) })).rejects.toThrow(ChangeTooLargeError);
    const heard: string[] = [];
    module.get(SyncEvents).on('disconnected', ({ reason }) => heard.push(reason));
    module.get(SyncEvents).emit('disconnected', { reason: 'in a test' });
    expect(heard).toEqual(['in a test']);
  });

  it('fails once when a test asks for it', async () => {
    const { orders, recorder } = await start();
    recorder.failNext(new QueueFullError('full'));
    await expect(orders.close('WO-1')).rejects.toThrow(QueueFullError);
    await expect(orders.close('WO-1')).resolves.toMatchObject({ sequence: 1 });
  });
});

import { type DynamicModule, Module } from '@nestjs/common';
import { SyncPublisher } from '../publisher/sync-publisher.service.js';
import { silentLogger } from '../logger.js';
import { SyncEvents } from '../sync-events.js';
import { RecordingPublisher, type RecordingOptions } from './recording-publisher.js';

/**
 * Takes the place of `MqttSyncModule` in the tests of an application: no broker, no disk.
 *
 * @example
 * const module = await Test.createTestingModule({ imports: [MqttSyncTestingModule.register()], providers: [Orders] }).compile();
 * await module.get(Orders).close('WO-1');
 * expect(module.get(RecordingPublisher).published).toMatchObject([{ entity: 'work_orders', operation: 'update', key: 'WO-1' }]);
 */
@Module({})
export class MqttSyncTestingModule {
  /**
   * Global, as the real one usually is, so that feature modules find the publisher and the events (on which nothing
   * happens unless the test emits it).
   * @param options those of the application that decide what a change becomes
   */
  static register(options: RecordingOptions = {}): DynamicModule {
    return {
      module: MqttSyncTestingModule,
      global: true,
      providers: [
        { provide: RecordingPublisher, useFactory: () => new RecordingPublisher(options) },
        { provide: SyncPublisher, useExisting: RecordingPublisher },
        { provide: SyncEvents, useFactory: () => new SyncEvents(silentLogger) },
      ],
      exports: [RecordingPublisher, SyncPublisher, SyncEvents],
    };
  }
}

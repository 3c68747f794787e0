import { type DynamicModule, Module } from '@nestjs/common';
import { SyncPublisher } from '../publisher/sync-publisher.service.js';
import { RecordingPublisher } from './recording-publisher.js';

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
  /** Global, as the real one usually is, so that feature modules find the publisher. */
  static register(): DynamicModule {
    return {
      module: MqttSyncTestingModule,
      global: true,
      providers: [RecordingPublisher, { provide: SyncPublisher, useExisting: RecordingPublisher }],
      exports: [RecordingPublisher, SyncPublisher],
    };
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { mqttSyncExports } from '../mqtt-sync.module.js';
import type { MqttSyncOptions } from '../mqtt-sync.options.js';
import { RecordingPublisher } from './recording-publisher.js';
import { TestingBroker } from './testing-broker.js';
import { testingProviders } from './testing.providers.js';

/** Those of the application, as it gives them to `MqttSyncModule`; what concerns broker, disk and timing does not matter. */
export type RecordingOptions = MqttSyncOptions;

/**
 * Takes the place of `MqttSyncModule` in the tests of an application: the same providers, on a broker and a queue in memory.
 *
 * @example
 * const module = await Test.createTestingModule({ imports: [MqttSyncTestingModule.register()], providers: [Orders] }).compile();
 * await module.get(Orders).close('WO-1');
 * expect(module.get(RecordingPublisher).published).toMatchObject([{ entity: 'work_orders', operation: 'update', key: 'WO-1' }]);
 */
@Module({})
export class MqttSyncTestingModule {
  /**
   * Global, as the real one usually is, so that feature modules find what they inject.
   * @param options those of the application; the vessel is called `test-vessel` unless they say otherwise
   */
  static register(options: RecordingOptions = {}): DynamicModule {
    return {
      module: MqttSyncTestingModule,
      global: true,
      providers: testingProviders(options),
      exports: [...mqttSyncExports, RecordingPublisher, TestingBroker],
    };
  }
}

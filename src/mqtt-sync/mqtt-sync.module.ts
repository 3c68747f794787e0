import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { MqttSyncHealthIndicator } from '../health/mqtt-sync.health.js';
import { catchUpFeature, type CatchUpFeature } from './catch-up-feature.module.js';
import { ConnectionManager } from './connection/connection-manager.js';
import { ConfigurableModuleClass, MQTT_SYNC_OPTIONS } from './mqtt-sync.module-definition.js';
import { mqttSyncProviders } from './mqtt-sync.providers.js';
import { CatchUpSources } from './publisher/catch-up/catch-up-source.js';
import { SyncPublisher } from './publisher/sync-publisher.service.js';
import { SyncQueue } from './queue/sync-queue.js';
import { CatchUp } from './subscriber/catch-up/catch-up.js';
import { Inbox } from './subscriber/inbox/inbox.js';
import { ParkedChanges } from './subscriber/parked-changes.js';
import { MqttSyncServer } from './subscriber/mqtt-sync.server.js';
import { SyncSubscriber } from './subscriber/sync-subscriber.service.js';
import { SyncEvents } from './sync-events.js';
import { SyncStatistics } from './sync-statistics.js';
import { SyncStatus } from './sync-status.js';

/** What an application can inject. */
export const mqttSyncExports = [
  SyncPublisher,
  SyncSubscriber,
  MqttSyncServer,
  CatchUpSources,
  CatchUp,
  SyncQueue,
  Inbox,
  ParkedChanges,
  ConnectionManager,
  SyncEvents,
  SyncStatistics,
  SyncStatus,
  MqttSyncHealthIndicator,
  MQTT_SYNC_OPTIONS,
];

/**
 * Durable, ordered delivery of data changes over MQTT, for a Nest application.
 *
 * @example
 * imports: [MqttSyncModule.forRoot({ brokerUrl: 'mqtts://broker.example', vesselId: 'mv-aurora', isGlobal: true })]
 */
@Module({
  providers: [...mqttSyncProviders, MqttSyncHealthIndicator],
  exports: mqttSyncExports,
})
export class MqttSyncModule extends ConfigurableModuleClass {
  /**
   * Registers where changes are read from that the journal no longer has. Needs `isGlobal: true` at `forRoot()`.
   *
   * @param features by entity type
   * @param imports modules with what the sources inject
   * @throws {EntityTypeInvalidError} the name of an entity type is not valid.
   * @example
   * imports: [MqttSyncModule.forFeature([{ entity: 'work_orders', source: WorkOrderSource }], [WorkOrdersModule])]
   */
  static forFeature(
    features: readonly CatchUpFeature[],
    imports: NonNullable<ModuleMetadata['imports']> = [],
  ): DynamicModule {
    return catchUpFeature(features, imports);
  }
}

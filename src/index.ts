export { MqttSyncModule } from './mqtt-sync/mqtt-sync.module.js';
export { MQTT_SYNC_OPTIONS } from './mqtt-sync/mqtt-sync.module-definition.js';
export type {
  CatchUpOptions,
  JournalOptions,
  MqttSyncOptions,
  InboxOptions,
  IncomingOptions,
  QueueOptions,
  TlsOptions,
} from './mqtt-sync/mqtt-sync.options.js';
export type { ResolvedOptions } from './mqtt-sync/resolve-options.js';
export { type CatchUpFeature } from './mqtt-sync/catch-up-feature.module.js';
export {
  type CatchUpSource,
  type SourceChange,
  type SourceQuery,
} from './mqtt-sync/publisher/catch-up/catch-up-source.js';
export { SyncPublisher } from './mqtt-sync/publisher/sync-publisher.service.js';
export { type Change, type PublishOptions } from './mqtt-sync/publisher/change.js';
export {
  MqttSyncClient,
  type MqttSyncClientOptions,
  type MqttSyncClientStatus,
} from './mqtt-sync/client/mqtt-sync-client.js';
export { type DeliveredOptions } from './mqtt-sync/publisher/delivery-watch.js';
export { type Receipt } from './mqtt-sync/publisher/receipt.js';
export {
  type DeadLetter,
  type DeadLetterVerdict,
  type LaneStats,
  type QueueStats,
  SyncQueue,
} from './mqtt-sync/queue/sync-queue.js';
export { type QueuedMessage } from './mqtt-sync/queue/message.js';
export { type DeadLetterReason } from './mqtt-sync/queue/reasons.js';
export { MqttSyncHealthIndicator } from './health/mqtt-sync.health.js';
export { SyncHealthModule } from './health/sync-health.module.js';
export { SyncMetricsModule } from './metrics/sync-metrics.module.js';
export { ConnectionManager } from './mqtt-sync/connection/connection-manager.js';
export { type ChangeEvent, type MessageEvent, SyncEvents, type SyncEventMap } from './mqtt-sync/sync-events.js';
export { SyncStatistics } from './mqtt-sync/sync-statistics.js';
export { type DegradedReason, SyncStatus } from './mqtt-sync/sync-status.js';
export { type EntityPolicy, type Qos } from './mqtt-sync/wire/entity-policies.js';
export { type Lane } from './mqtt-sync/wire/lanes.js';
export {
  type ChangeIdentity,
  Inbox,
  type InboxObserver,
  type InboxStats,
  type ParkedDraft,
  type ParkedMessage,
  type ParkReason,
  type StreamAccount,
} from './mqtt-sync/subscriber/inbox/inbox.js';
export { MQTT_SYNC, MqttSyncServer, type MqttSyncServerStatus } from './mqtt-sync/subscriber/mqtt-sync.server.js';
export { MqttSyncContext } from './mqtt-sync/subscriber/mqtt-sync-context.js';
export { MqttSyncExceptionFilter } from './mqtt-sync/subscriber/mqtt-sync-exception.filter.js';
export { type SyncHandler, SyncSubscriber } from './mqtt-sync/subscriber/sync-subscriber.service.js';
export { type Unsubscribe } from './mqtt-sync/subscriber/receiver.js';
export { CatchUp, type CatchUpCallOptions } from './mqtt-sync/subscriber/catch-up/catch-up.js';
export { type CatchUpQuery } from './mqtt-sync/subscriber/catch-up/catch-up-query.js';
export { type CatchUpResult } from './mqtt-sync/subscriber/catch-up/exchange.js';
export { ParkedChanges } from './mqtt-sync/subscriber/parked-changes.js';
export { type IncomingForm, type StreamId } from './mqtt-sync/wire/incoming-change.js';
export { type SequenceRange } from './mqtt-sync/wire/sequence-ranges.js';
export {
  type ChangeEnvelope,
  type GapEnvelope,
  type Operation,
  type StatusEnvelope,
} from './mqtt-sync/wire/envelope.js';
export {
  CatchUpAbortedError,
  CatchUpInvalidError,
  CatchUpNotSentError,
  CatchUpTimeoutError,
  ChangeInvalidError,
  ChangeNotSerialisableError,
  ChangeTooLargeError,
  DeliveryAbortedError,
  DeliveryTimeoutError,
  EntityTypeInvalidError,
  EntityTypeLimitError,
  HandlerInvalidError,
  MessageDeadLetteredError,
  MessageDroppedError,
  MqttSyncError,
  NotSubscribedError,
  type OptionFault,
  OptionsError,
  QueueFullError,
  QueueLockedError,
  QueueUnavailableError,
  QueueVesselMismatchError,
  RequestNotSupportedError,
  StoppingError,
  StoreFormatError,
  type SyncErrorCode,
  type SyncErrorDetails,
} from './mqtt-sync/errors.js';

import { Logger, type Provider } from '@nestjs/common';
import { ConnectionManager } from './connection/connection-manager.js';
import { NameLookup } from './connection/name-lookup.js';
import { incomingProviders } from './incoming.providers.js';
import { type OptionFault, OptionsError } from './errors.js';
import { MqttSyncLifecycle } from './mqtt-sync.lifecycle.js';
import { MQTT_SYNC_OPTIONS, MQTT_SYNC_RAW_OPTIONS } from './mqtt-sync.module-definition.js';
import type { MqttSyncOptions } from './mqtt-sync.options.js';
import { type ResolvedOptions, resolveOptions } from './resolve-options.js';
import { CatchUpSources } from './publisher/catch-up/catch-up-source.js';
import { RequestSubscription } from './publisher/catch-up/request-subscription.js';
import { DeliveryWatch } from './publisher/delivery-watch.js';
import { Dispatcher } from './publisher/dispatcher.js';
import { FlushWatch } from './publisher/flush-watch.js';
import { QueueEvents } from './publisher/queue-events.js';
import { SyncPublisher } from './publisher/sync-publisher.service.js';
import { DiskQueue } from './queue/disk-queue.js';
import { MemoryQueue } from './queue/memory-queue.js';
import { SyncQueue } from './queue/sync-queue.js';
import { AutomaticCatchUp } from './subscriber/catch-up/automatic-catch-up.js';
import { CatchUp } from './subscriber/catch-up/catch-up.js';
import { GapFollower } from './subscriber/gap-follower.js';
import { Receiver } from './subscriber/receiver.js';
import { SyncEvents } from './sync-events.js';
import { SyncStatistics } from './sync-statistics.js';
import { SyncStatus } from './sync-status.js';
import { systemClock } from './time/clock.js';

const clock = systemClock;
// The categories that a log can be filtered by.
const logger = new Logger('MqttSync');
const connectionLogger = new Logger('MqttSync.connection');
const queueLogger = new Logger('MqttSync.queue');
const deliveryLogger = new Logger('MqttSync.delivery');

/** While sync is off the queue is only looked at, so it needs no disk. */
function createQueue({ queue, journal, localMode }: ResolvedOptions): SyncQueue {
  return queue.store === 'disk' && localMode
    ? new DiskQueue({ ...queue, journal }, clock, queueLogger)
    : new MemoryQueue(queue, clock, queueLogger);
}

/** In flight is never dropped, so at most half of the queue may be in flight. */
function maxInFlight({ inflightWindow, queue }: ResolvedOptions): number {
  return Math.max(1, Math.min(inflightWindow, Math.floor(queue.maxMessages / 2)));
}

const NO_OPTIONS: OptionFault = {
  path: 'options',
  message: 'are undefined: a factory has to return them, or {} for the defaults',
};

const provideOptions: Provider = {
  provide: MQTT_SYNC_OPTIONS,
  inject: [MQTT_SYNC_RAW_OPTIONS],
  useFactory: (options: MqttSyncOptions | undefined): ResolvedOptions => {
    // A `return` that was forgotten, and no wish for the defaults.
    if (options === undefined) throw new OptionsError([NO_OPTIONS]);
    return resolveOptions(options);
  },
};

const provideEvents: Provider = { provide: SyncEvents, useFactory: () => new SyncEvents(logger) };

const provideStatistics: Provider = {
  provide: SyncStatistics,
  inject: [SyncEvents],
  useFactory: (events: SyncEvents) => new SyncStatistics(events),
};

const provideQueue: Provider = { provide: SyncQueue, inject: [MQTT_SYNC_OPTIONS], useFactory: createQueue };

const provideWatch: Provider = {
  provide: DeliveryWatch,
  inject: [SyncQueue],
  useFactory: (queue: SyncQueue) => new DeliveryWatch(queue, clock),
};

const provideFlush: Provider = {
  provide: FlushWatch,
  inject: [SyncEvents],
  useFactory: (events: SyncEvents) => new FlushWatch(clock, events, deliveryLogger),
};

const provideSources: Provider = { provide: CatchUpSources, useFactory: () => new CatchUpSources() };

const provideRequests: Provider = {
  provide: RequestSubscription,
  useFactory: () => new RequestSubscription(clock, logger),
};

const provideNames: Provider = { provide: NameLookup, useFactory: () => new NameLookup() };

const provideConnection: Provider = {
  provide: ConnectionManager,
  inject: [MQTT_SYNC_OPTIONS, SyncEvents, NameLookup],
  useFactory: (options: ResolvedOptions, events: SyncEvents, names: NameLookup) =>
    new ConnectionManager(options, clock, events, connectionLogger, Math.random, names),
};

const provideDispatcher: Provider = {
  provide: Dispatcher,
  inject: [MQTT_SYNC_OPTIONS, SyncQueue, ConnectionManager, SyncEvents],
  useFactory: (options: ResolvedOptions, queue: SyncQueue, connection: ConnectionManager, events: SyncEvents) =>
    new Dispatcher({ queue, connection, events, clock, logger: deliveryLogger, maxInFlight: maxInFlight(options) }),
};

const providePublisher: Provider = {
  provide: SyncPublisher,
  inject: [MQTT_SYNC_OPTIONS, SyncQueue, DeliveryWatch, FlushWatch, SyncEvents, ConnectionManager, Dispatcher],
  useFactory: (
    options: ResolvedOptions,
    queue: SyncQueue,
    watch: DeliveryWatch,
    flush: FlushWatch,
    events: SyncEvents,
    connection: ConnectionManager,
    dispatcher: Dispatcher,
  ) =>
    new SyncPublisher(options, {
      queue,
      watch,
      events,
      clock,
      isConnected: () => connection.isConnected,
      accepted: (position) => {
        flush.accepted(position);
        dispatcher.wake();
      },
    }),
};

const provideStatus: Provider = {
  provide: SyncStatus,
  inject: [
    MQTT_SYNC_OPTIONS,
    SyncQueue,
    ConnectionManager,
    SyncPublisher,
    Dispatcher,
    RequestSubscription,
    Receiver,
    GapFollower,
    SyncStatistics,
  ],
  useFactory: (
    options: ResolvedOptions,
    queue: SyncQueue,
    connection: ConnectionManager,
    publisher: SyncPublisher,
    dispatcher: Dispatcher,
    requests: RequestSubscription,
    receiver: Receiver,
    gaps: GapFollower,
    statistics: SyncStatistics,
  ) =>
    new SyncStatus({ options, queue, connection, publisher, dispatcher, requests, receiver, gaps, statistics, clock }),
};

/** Everything is wired, and the queue opened, before any provider of the application can call `publish()`. */
const provideLifecycle: Provider = {
  provide: MqttSyncLifecycle,
  inject: [
    MQTT_SYNC_OPTIONS,
    SyncQueue,
    ConnectionManager,
    Dispatcher,
    SyncPublisher,
    DeliveryWatch,
    FlushWatch,
    Receiver,
    GapFollower,
    AutomaticCatchUp,
    CatchUp,
    CatchUpSources,
    RequestSubscription,
    SyncEvents,
  ],
  useFactory: async (
    options: ResolvedOptions,
    queue: SyncQueue,
    connection: ConnectionManager,
    dispatcher: Dispatcher,
    publisher: SyncPublisher,
    watch: DeliveryWatch,
    flush: FlushWatch,
    receiver: Receiver,
    gaps: GapFollower,
    automatic: AutomaticCatchUp,
    catchUp: CatchUp,
    sources: CatchUpSources,
    requests: RequestSubscription,
    events: SyncEvents,
  ) => {
    queue.observe(new QueueEvents(events, flush, watch, clock, queueLogger));
    const lifecycle = new MqttSyncLifecycle({
      options,
      queue,
      connection,
      dispatcher,
      publisher,
      watch,
      flush,
      receiver,
      gaps,
      askers: [automatic, catchUp],
      sources,
      requests,
      clock,
      logger,
    });
    // What could not be handed out while the store failed can be now.
    events.on('queue_availability', () => dispatcher.wake());
    events.on('message_retried', () => dispatcher.wake());
    await lifecycle.open();
    return lifecycle;
  },
};

/** The providers of the module, from the ground up. */
export const mqttSyncProviders: Provider[] = [
  provideOptions,
  provideEvents,
  provideStatistics,
  provideQueue,
  provideWatch,
  provideFlush,
  provideSources,
  provideRequests,
  provideNames,
  provideConnection,
  provideDispatcher,
  providePublisher,
  ...incomingProviders,
  provideStatus,
  provideLifecycle,
];

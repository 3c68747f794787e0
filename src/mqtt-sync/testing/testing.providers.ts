import { type FactoryProvider, Logger, type Provider } from '@nestjs/common';
import { MqttSyncHealthIndicator } from '../../health/mqtt-sync.health.js';
import { ConnectionManager } from '../connection/connection-manager.js';
import { silentLogger } from '../logger.js';
import { MqttSyncLifecycle } from '../mqtt-sync.lifecycle.js';
import { MQTT_SYNC_OPTIONS, MQTT_SYNC_RAW_OPTIONS } from '../mqtt-sync.module-definition.js';
import type { MqttSyncOptions } from '../mqtt-sync.options.js';
import { mqttSyncProviders } from '../mqtt-sync.providers.js';
import { DeliveryWatch } from '../publisher/delivery-watch.js';
import { FlushWatch } from '../publisher/flush-watch.js';
import { QueueEvents } from '../publisher/queue-events.js';
import { SyncPublisher } from '../publisher/sync-publisher.service.js';
import { SyncQueue } from '../queue/sync-queue.js';
import type { ResolvedOptions } from '../resolve-options.js';
import { GapFollower } from '../subscriber/gap-follower.js';
import { Inbox } from '../subscriber/inbox/inbox.js';
import { MemoryInbox } from '../subscriber/inbox/memory-inbox.js';
import { Receiver } from '../subscriber/receiver.js';
import { SyncEvents } from '../sync-events.js';
import { systemClock } from '../time/clock.js';
import { RecordingPublisher } from './recording-publisher.js';
import { RecordingQueue } from './recording-queue.js';
import { TestingBroker } from './testing-broker.js';
import { TestingConnection } from './testing-connection.js';
import { TestingLifecycle } from './testing-lifecycle.js';

const clock = systemClock;
const logger = new Logger('MqttSync');

const provideConnection: FactoryProvider = {
  provide: ConnectionManager,
  inject: [MQTT_SYNC_OPTIONS],
  useFactory: (options: ResolvedOptions) => new TestingConnection(options, clock),
};

/** Logs nothing, nor does the queue: the test knows what it has done to them. */
const provideFlush: FactoryProvider = {
  provide: FlushWatch,
  inject: [SyncEvents],
  useFactory: (events: SyncEvents) => new FlushWatch(clock, events, silentLogger),
};

const provideQueue: FactoryProvider = {
  provide: SyncQueue,
  inject: [MQTT_SYNC_OPTIONS],
  useFactory: (options: ResolvedOptions) => new RecordingQueue(options, clock, silentLogger),
};

const provideInbox: FactoryProvider = {
  provide: Inbox,
  inject: [MQTT_SYNC_OPTIONS],
  useFactory: ({ inbox }: ResolvedOptions) => new MemoryInbox(inbox, clock, logger),
};

const provideReceiver: FactoryProvider = {
  provide: Receiver,
  inject: [MQTT_SYNC_OPTIONS, ConnectionManager, Inbox, SyncEvents],
  useFactory: (options: ResolvedOptions, connection: TestingConnection, inbox: Inbox, events: SyncEvents) =>
    new Receiver({ options, connection, inbox, events, clock, logger }),
};

const provideBroker: FactoryProvider = {
  provide: TestingBroker,
  inject: [MQTT_SYNC_OPTIONS, SyncQueue, ConnectionManager, FlushWatch, Receiver, Inbox, SyncEvents, GapFollower],
  useFactory: async (
    options: ResolvedOptions,
    queue: SyncQueue,
    connection: TestingConnection,
    flush: FlushWatch,
    receiver: Receiver,
    inbox: Inbox,
    events: SyncEvents,
    // Observes the inbox, which has to be before that is opened.
    _gaps: GapFollower,
  ) => {
    await inbox.open();
    return new TestingBroker({ options, queue, connection, flush, receiver, inbox, events, clock });
  },
};

/** Works as soon as it can be injected: a test need not start the application. */
const providePublisher: FactoryProvider = {
  provide: RecordingPublisher,
  inject: [MQTT_SYNC_OPTIONS, SyncQueue, DeliveryWatch, FlushWatch, SyncEvents, ConnectionManager, TestingBroker],
  useFactory: async (
    options: ResolvedOptions,
    queue: RecordingQueue,
    watch: DeliveryWatch,
    flush: FlushWatch,
    events: SyncEvents,
    connection: TestingConnection,
    broker: TestingBroker,
  ) => {
    queue.observe(new QueueEvents(events, flush, watch, clock, silentLogger));
    const { vesselId, vesselIdIsExplicit: isExplicit, localMode } = options;
    if (localMode) await queue.open({ vesselId, isExplicit });
    const isConnected = () => connection.isConnected;
    const accepted = (position: number): void => {
      flush.accepted(position);
      broker.take();
    };
    return new RecordingPublisher(options, { queue, watch, events, clock, isConnected, accepted }, queue);
  },
};

const provideLifecycle: FactoryProvider = {
  provide: MqttSyncLifecycle,
  inject: [MQTT_SYNC_OPTIONS, RecordingPublisher, DeliveryWatch, Receiver],
  useFactory: (
    { shutdownDeadlineMs }: ResolvedOptions,
    publisher: RecordingPublisher,
    watch: DeliveryWatch,
    receiver: Receiver,
  ) => new TestingLifecycle(publisher, watch, receiver, shutdownDeadlineMs),
};

const substitutes: Provider[] = [
  provideConnection,
  provideFlush,
  provideQueue,
  provideInbox,
  provideReceiver,
  provideBroker,
  providePublisher,
  { provide: SyncPublisher, useExisting: RecordingPublisher },
  provideLifecycle,
];

const tokenOf = (provider: Provider) => (typeof provider === 'function' ? provider : provider.provide);
const substituted = new Set(substitutes.map(tokenOf));

/** The providers of the real module, but for those that need a broker or a disk. */
export function testingProviders(options: MqttSyncOptions): Provider[] {
  return [
    { provide: MQTT_SYNC_RAW_OPTIONS, useValue: { vesselId: 'test-vessel', ...options } },
    ...mqttSyncProviders.filter((provider) => !substituted.has(tokenOf(provider))),
    ...substitutes,
    MqttSyncHealthIndicator,
  ];
}

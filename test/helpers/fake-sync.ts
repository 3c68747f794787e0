import { Global, Module, type DynamicModule } from '@nestjs/common';
import { MQTT_SYNC_OPTIONS } from '../../src/mqtt-sync/mqtt-sync.module-definition.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { type ResolvedOptions, resolveOptions } from '../../src/mqtt-sync/resolve-options.js';
import { MqttSyncHealthIndicator } from '../../src/health/mqtt-sync.health.js';
import type { Change } from '../../src/mqtt-sync/publisher/change.js';
import type { SubscriptionView } from '../../src/mqtt-sync/publisher/catch-up/request-subscription.js';
import type { Receipt } from '../../src/mqtt-sync/publisher/receipt.js';
import type { PausedType } from '../../src/mqtt-sync/publisher/refusal-pauses.js';
import { SyncPublisher } from '../../src/mqtt-sync/publisher/sync-publisher.service.js';
import type { QueueStats } from '../../src/mqtt-sync/queue/sync-queue.js';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import type { GapsView } from '../../src/mqtt-sync/subscriber/gap-follower.js';
import type { ReceiverView } from '../../src/mqtt-sync/subscriber/receiver-view.js';
import { SyncEvents, type SyncEventMap } from '../../src/mqtt-sync/sync-events.js';
import { SyncStatistics } from '../../src/mqtt-sync/sync-statistics.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';

const EMPTY_LANE = { messages: 0, bytes: 0, oldestAcceptedAtMs: undefined };

/** An empty queue of ten messages and a thousand bytes. */
export const EMPTY_QUEUE: QueueStats = {
  messages: 0,
  bytes: 0,
  maxMessages: 10,
  maxBytes: 1000,
  lanes: { critical: EMPTY_LANE, normal: EMPTY_LANE, bulk: EMPTY_LANE },
  oldestAcceptedAtMs: undefined,
  deadLetters: 0,
  untoldGaps: 0,
  storesAside: 0,
  available: true,
  unavailableReason: undefined,
};

const NOTHING_SUBSCRIBED: ReceiverView = {
  isWanted: false,
  isConnected: false,
  activeSubscriptions: 0,
  refusedSubscriptions: [],
  unavailableReason: undefined,
  unacknowledged: 0,
  handlersRunning: 0,
};

/** A sync without queue and broker, whose state a test sets: the real status, statistics and events on top of it. */
export class FakeSync {
  readonly events = new SyncEvents(silentLogger);
  readonly statistics = new SyncStatistics(this.events);
  readonly options: ResolvedOptions;
  queue = EMPTY_QUEUE;
  connected = true;
  reconnectAttempts = 0;
  inFlight = 0;
  paused: readonly PausedType[] = [];
  stopping = false;
  receiver: ReceiverView = NOTHING_SUBSCRIBED;
  requests: readonly SubscriptionView[] = [];
  gaps: GapsView = { gaps: () => [], missingCount: 0, parkedCount: 0 };
  nowMs = 1_000_000;
  /** What was published, in order. */
  readonly published: Change[] = [];
  /** Makes the next publishes reject. */
  failure: Error | undefined;
  readonly status: SyncStatus;

  constructor(options: MqttSyncOptions = {}) {
    this.options = resolveOptions({ vesselId: 'mv-test', ...options });
    this.status = new SyncStatus(this.parts() as unknown as ConstructorParameters<typeof SyncStatus>[0]);
  }

  /** A delivery, as the dispatcher tells it. */
  delivered(event: Partial<SyncEventMap['message_published']> = {}): void {
    this.events.emit('message_published', {
      messageId: 'id-1',
      entity: 'work_orders',
      operation: 'create',
      sequence: 1,
      qos: 1,
      lane: 'normal',
      key: undefined,
      latencyMs: 20,
      possibleDuplicate: false,
      ...event,
    });
  }

  publishMany(changes: readonly Change[]): Promise<Receipt[]> {
    if (this.failure) return Promise.reject(this.failure);
    const first = this.published.length + 1;
    this.published.push(...changes);
    return Promise.resolve(changes.map((change, index) => this.receipt(change, first + index)));
  }

  private receipt(change: Change, sequence: number): Receipt {
    const skipped = !this.options.localMode;
    return {
      messageId: change.messageId ?? `id-${sequence}`,
      sequence: skipped ? undefined : sequence,
      durable: !skipped,
      waiting: false,
      skipped,
      delivered: () => Promise.resolve(),
    };
  }

  private parts() {
    const read = <Value>(get: () => Value) => ({ get, enumerable: true });
    const parts = {
      options: this.options,
      statistics: this.statistics,
      queue: { identity: { vesselId: this.options.vesselId, epoch: 1 }, stats: () => this.queue },
      clock: { wallMs: () => this.nowMs },
      requests: Object.defineProperties({}, { view: read(() => this.requests) }),
      publisher: Object.defineProperties({}, { isStopping: read(() => this.stopping) }),
      dispatcher: Object.defineProperties({}, { inFlight: read(() => this.inFlight), paused: read(() => this.paused) }),
      connection: Object.defineProperties(
        { broker: 'mqtt://localhost:1883', tlsEnabled: false },
        { isConnected: read(() => this.connected), reconnectAttempts: read(() => this.reconnectAttempts) },
      ),
    };
    return Object.defineProperties(parts, {
      receiver: read(() => this.receiver),
      gaps: read(() => this.gaps),
    });
  }
}

/** Provides a fake sync under the tokens of the MqttSyncModule, everywhere. */
@Global()
@Module({})
export class FakeSyncModule {
  static of(sync: FakeSync): DynamicModule {
    const publisher = {
      publishMany: sync.publishMany.bind(sync),
      publish: async (entity: string, operation: Change['operation'], data: unknown, options: object) =>
        (await sync.publishMany([{ entity, operation, data, ...options }]))[0],
    };
    const values = [
      { provide: MQTT_SYNC_OPTIONS, useValue: sync.options },
      { provide: SyncEvents, useValue: sync.events },
      { provide: SyncStatistics, useValue: sync.statistics },
      { provide: SyncStatus, useValue: sync.status },
      { provide: SyncPublisher, useValue: publisher },
    ];
    return {
      module: FakeSyncModule,
      providers: [...values, MqttSyncHealthIndicator],
      exports: [...values.map(({ provide }) => provide), MqttSyncHealthIndicator],
    };
  }
}

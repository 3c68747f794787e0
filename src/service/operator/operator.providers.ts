import { join } from 'node:path';
import type { Provider } from '@nestjs/common';
import { ConnectionManager } from '../../mqtt-sync/connection/connection-manager.js';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import type { ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { SyncEvents } from '../../mqtt-sync/sync-events.js';
import { SyncStatus } from '../../mqtt-sync/sync-status.js';
import { systemClock } from '../../mqtt-sync/time/clock.js';
import { FlowHistory } from './flow-history.js';
import { LiveStream } from './live-stream.js';
import { LossHistory } from './loss-history.js';
import { OutageFile } from './outage-file.js';
import { OutageHistory } from './outage-history.js';
import { ViewComposer } from './view-composer.js';

const clock = systemClock;

/** Where something is kept for the next life of the service; undefined where nothing is. */
function rememberedIn({ queue, localMode }: ResolvedOptions, file: string): string | undefined {
  return queue.store === 'disk' && localMode ? join(queue.dir, file) : undefined;
}

const provideFlow: Provider = {
  provide: FlowHistory,
  inject: [SyncEvents, SyncStatus],
  useFactory: (events: SyncEvents, sync: SyncStatus) => new FlowHistory(events, sync, clock),
};

const provideOutages: Provider = {
  provide: OutageHistory,
  inject: [MQTT_SYNC_OPTIONS, SyncEvents, ConnectionManager],
  useFactory: (options: ResolvedOptions, events: SyncEvents, connection: ConnectionManager) => {
    const path = rememberedIn(options, 'outages.json');
    return new OutageHistory(events, connection, clock, path === undefined ? undefined : new OutageFile(path));
  },
};

const provideLosses: Provider = {
  provide: LossHistory,
  inject: [MQTT_SYNC_OPTIONS, SyncEvents],
  useFactory: (options: ResolvedOptions, events: SyncEvents) =>
    new LossHistory(events, clock, rememberedIn(options, 'losses.json')),
};

const provideComposer: Provider = {
  provide: ViewComposer,
  inject: [MQTT_SYNC_OPTIONS, SyncStatus, SyncQueue, ConnectionManager, OutageHistory, LossHistory, FlowHistory],
  useFactory: (
    options: ResolvedOptions,
    sync: SyncStatus,
    queue: SyncQueue,
    connection: ConnectionManager,
    outages: OutageHistory,
    losses: LossHistory,
    flow: FlowHistory,
  ) => new ViewComposer({ options, sync, queue, connection, outages, losses, flow }, clock.wallMs()),
};

const provideLive: Provider = {
  provide: LiveStream,
  inject: [ViewComposer, FlowHistory],
  useFactory: (composer: ViewComposer, flow: FlowHistory) =>
    new LiveStream({ view: () => composer.compose(), columns: () => flow.columns() }, clock),
};

/** What the operator's controllers need. */
export const operatorProviders: Provider[] = [provideFlow, provideOutages, provideLosses, provideComposer, provideLive];

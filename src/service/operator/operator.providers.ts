import { join } from 'node:path';
import { type Provider } from '@nestjs/common';
import { ConnectionManager } from '../../mqtt-sync/connection/connection-manager.js';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import { type ResolvedOptions } from '../../mqtt-sync/mqtt-sync.options.js';
import { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { SyncEvents } from '../../mqtt-sync/sync-events.js';
import { SyncStatus } from '../../mqtt-sync/sync-status.js';
import { systemClock } from '../../mqtt-sync/time/clock.js';
import { FlowHistory } from './flow-history.js';
import { LiveStream } from './live-stream.js';
import { OutageFile } from './outage-file.js';
import { OutageHistory } from './outage-history.js';
import { ViewComposer } from './view-composer.js';

const clock = systemClock;

const provideFlow: Provider = {
  provide: FlowHistory,
  inject: [SyncEvents, SyncStatus],
  useFactory: (events: SyncEvents, sync: SyncStatus) => new FlowHistory(events, sync, clock),
};

const provideOutages: Provider = {
  provide: OutageHistory,
  inject: [MQTT_SYNC_OPTIONS, SyncEvents, ConnectionManager],
  useFactory: ({ queue, localMode }: ResolvedOptions, events: SyncEvents, connection: ConnectionManager) => {
    const isRemembered = queue.store === 'disk' && localMode;
    const file = isRemembered ? new OutageFile(join(queue.dir, 'outages.json')) : undefined;
    return new OutageHistory(events, connection, clock, file);
  },
};

const provideComposer: Provider = {
  provide: ViewComposer,
  inject: [MQTT_SYNC_OPTIONS, SyncStatus, SyncQueue, ConnectionManager, OutageHistory, FlowHistory],
  useFactory: (
    options: ResolvedOptions,
    sync: SyncStatus,
    queue: SyncQueue,
    connection: ConnectionManager,
    outages: OutageHistory,
    flow: FlowHistory,
  ) => new ViewComposer({ options, sync, queue, connection, outages, flow }, clock.wallMs()),
};

const provideLive: Provider = {
  provide: LiveStream,
  inject: [ViewComposer, FlowHistory],
  useFactory: (composer: ViewComposer, flow: FlowHistory) =>
    new LiveStream({ view: () => composer.compose(), columns: () => flow.columns() }, clock),
};

/** What the operator's controllers need. */
export const operatorProviders: Provider[] = [provideFlow, provideOutages, provideComposer, provideLive];

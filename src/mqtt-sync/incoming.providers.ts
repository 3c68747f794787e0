import { Logger, type Provider } from '@nestjs/common';
import type { ConnectionEvents } from './connection/connection-options.js';
import { ConnectionManager } from './connection/connection-manager.js';
import { NameLookup } from './connection/name-lookup.js';
import { MQTT_SYNC_INBOX, MQTT_SYNC_OPTIONS } from './mqtt-sync.module-definition.js';
import type { ResolvedOptions } from './resolve-options.js';
import { Dispatcher } from './publisher/dispatcher.js';
import { SyncQueue } from './queue/sync-queue.js';
import { AutomaticCatchUp } from './subscriber/catch-up/automatic-catch-up.js';
import { CatchUp } from './subscriber/catch-up/catch-up.js';
import type { ControlPort } from './subscriber/catch-up/request-sender.js';
import { VesselPrefixes } from './subscriber/catch-up/vessel-prefixes.js';
import { GapFollower } from './subscriber/gap-follower.js';
import { maxGapBytes } from './subscriber/incoming-options.js';
import { Inbox } from './subscriber/inbox/inbox.js';
import { LmdbInbox } from './subscriber/inbox/lmdb-inbox.js';
import { MemoryInbox } from './subscriber/inbox/memory-inbox.js';
import { MqttSyncServer } from './subscriber/mqtt-sync.server.js';
import { ParkedChanges } from './subscriber/parked-changes.js';
import { Receiver } from './subscriber/receiver.js';
import { SyncSubscriber } from './subscriber/sync-subscriber.service.js';
import { SyncEvents, type SyncEventMap } from './sync-events.js';
import { systemClock } from './time/clock.js';

const clock = systemClock;
const logger = new Logger('MqttSync');
// Below the category of the publisher's connection, whose lines are the same.
const connectionLogger = new Logger('MqttSync.connection.receiver');

/** The events of a connection under names that tell it from the publisher's. */
function asReceiver(events: SyncEvents): ConnectionEvents {
  return {
    emit(name, event) {
      if (name === 'connected') events.emit('receiver_connected', event as SyncEventMap['connected']);
      if (name === 'disconnected') events.emit('receiver_disconnected', event as SyncEventMap['disconnected']);
    },
  };
}

/** The application's own, or one by the options; opened when something is subscribed. */
const provideInbox: Provider = {
  provide: Inbox,
  inject: [MQTT_SYNC_OPTIONS, { token: MQTT_SYNC_INBOX, optional: true }],
  useFactory: ({ inbox: { store, ...inbox }, localMode }: ResolvedOptions, own: Inbox | undefined): Inbox => {
    if (own) return own;
    return store === 'disk' && localMode ? new LmdbInbox(inbox, clock, logger) : new MemoryInbox(inbox, clock, logger);
  },
};

const provideReceiver: Provider = {
  provide: Receiver,
  inject: [MQTT_SYNC_OPTIONS, Inbox, SyncEvents, NameLookup],
  useFactory: (options: ResolvedOptions, inbox: Inbox, events: SyncEvents, names: NameLookup) => {
    // Not a provider: the one that can be injected is the publisher's.
    const connection = new ConnectionManager(options, clock, asReceiver(events), connectionLogger, Math.random, names);
    return new Receiver({ options, connection, inbox, events, clock, logger });
  },
};

/** Follows what does not come, for as long as something is subscribed. */
const provideGaps: Provider = {
  provide: GapFollower,
  inject: [MQTT_SYNC_OPTIONS, Inbox, Receiver, SyncEvents],
  useFactory: (options: ResolvedOptions, inbox: Inbox, receiver: Receiver, events: SyncEvents) => {
    const isOwn = (vesselId: string) => vesselId === receiver.vesselId;
    const { gapGraceS } = options.incoming;
    const gaps = new GapFollower({ isOwn, inbox, events, clock, logger, gapGraceS, maxBytes: maxGapBytes(options) });
    inbox.observe(gaps);
    receiver.listen(gaps);
    return gaps;
  },
};

const provideCatchUp: Provider = {
  provide: CatchUp,
  inject: [MQTT_SYNC_OPTIONS, Receiver, GapFollower, Dispatcher, SyncQueue, SyncEvents],
  useFactory: (
    options: ResolvedOptions,
    receiver: Receiver,
    // Listens first: what an answer tells as lost is recorded before the answer has ended.
    _gaps: GapFollower,
    dispatcher: Dispatcher,
    queue: SyncQueue,
    events: SyncEvents,
  ) => {
    const port: ControlPort = {
      get vesselId() {
        return queue.identity?.vesselId;
      },
      send: (message) => dispatcher.send(message),
    };
    const isSubscribed = receiver.isSubscribed.bind(receiver);
    const prefixes = new VesselPrefixes(options);
    const catchUp = new CatchUp({ port, prefixes, isSubscribed, events, clock, maxBytes: maxGapBytes(options) });
    receiver.listen(catchUp);
    return catchUp;
  },
};

/** Asks by itself, unless it is turned off. */
const provideAutomaticCatchUp: Provider = {
  provide: AutomaticCatchUp,
  inject: [MQTT_SYNC_OPTIONS, Receiver, GapFollower, CatchUp, SyncEvents],
  useFactory: (
    { incoming }: ResolvedOptions,
    receiver: Receiver,
    gaps: GapFollower,
    catchUp: CatchUp,
    events: SyncEvents,
  ) => {
    const automatic = new AutomaticCatchUp({ catchUp, gaps, clock, logger });
    if (incoming.catchUp === 'automatic' && incoming.shareGroup === undefined) {
      events.on('gap_detected', (gap) => automatic.detected(gap));
      events.on('connected', () => automatic.connected());
      receiver.listen(automatic);
    }
    return automatic;
  },
};

const provideParked: Provider = {
  provide: ParkedChanges,
  inject: [Inbox, Receiver],
  useFactory: (inbox: Inbox, receiver: Receiver) => new ParkedChanges(inbox, receiver),
};

const provideSubscriber: Provider = {
  provide: SyncSubscriber,
  inject: [Receiver],
  useFactory: (receiver: Receiver) => new SyncSubscriber(receiver),
};

const provideServer: Provider = {
  provide: MqttSyncServer,
  inject: [MQTT_SYNC_OPTIONS, Receiver, SyncEvents],
  useFactory: ({ shutdownDeadlineMs }: ResolvedOptions, receiver: Receiver, events: SyncEvents) =>
    new MqttSyncServer(receiver, events, shutdownDeadlineMs),
};

/** The providers of the receiving side. */
export const incomingProviders: Provider[] = [
  provideInbox,
  provideReceiver,
  provideGaps,
  provideCatchUp,
  provideAutomaticCatchUp,
  provideParked,
  provideSubscriber,
  provideServer,
];

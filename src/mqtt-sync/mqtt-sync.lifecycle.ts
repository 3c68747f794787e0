import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import type { ConnectionControl } from './connection/connection-control.js';
import type { IncomingLink, IncomingPublish } from './connection/incoming-link.js';
import type { Acknowledgement, Link, LinkLoss } from './connection/link.js';
import { errorText } from './error-text.js';
import { MqttSyncError, QueueUnavailableError } from './errors.js';
import { keepaliveNotice } from './keepalive-notice.js';
import type { SyncLogger } from './logger.js';
import type { ResolvedOptions } from './resolve-options.js';
import { CatchUpAnswers } from './publisher/catch-up/catch-up-answers.js';
import type { CatchUpSources } from './publisher/catch-up/catch-up-source.js';
import type { RequestSubscription } from './publisher/catch-up/request-subscription.js';
import type { DeliveryWatch } from './publisher/delivery-watch.js';
import type { Dispatcher } from './publisher/dispatcher.js';
import type { FlushWatch } from './publisher/flush-watch.js';
import { GapAnnouncer } from './publisher/gap-announcer.js';
import { StatusAnnouncer, statusPayload } from './publisher/status-announcer.js';
import type { SyncPublisher } from './publisher/sync-publisher.service.js';
import type { QueueIdentity, SyncQueue } from './queue/sync-queue.js';
import type { GapFollower } from './subscriber/gap-follower.js';
import type { Receiver } from './subscriber/receiver.js';
import type { CancelTimer, Clock } from './time/clock.js';
import { InboundTopics } from './wire/inbound-topics.js';
import { requestFilters } from './wire/request-filters.js';
import { Topics } from './wire/topics.js';

/** Between two tries to open a store that cannot be used. */
const REOPEN_INTERVAL_MS = 5_000;
/** Share of the deadline that is kept for the offline status, the DISCONNECT and closing the store. */
const CLOSING_SHARE = 0.4;
/**
 * Share of the deadline that closing the stores has whatever was before: the HTTP of an application may take all that is
 * left, and a store that is not closed is looked through at the next start.
 */
const STORES_SHARE = 0.05;
/** Share of the deadline that handlers of incoming changes may take; what they publish meanwhile is refused. */
const RECEIVING_SHARE = 0.3;

/** What is started and stopped. */
export interface LifecycleParts {
  readonly options: ResolvedOptions;
  readonly queue: SyncQueue;
  readonly connection: ConnectionControl;
  readonly dispatcher: Dispatcher;
  readonly publisher: SyncPublisher;
  readonly watch: DeliveryWatch;
  readonly flush: FlushWatch;
  readonly receiver: Receiver;
  readonly gaps: Pick<GapFollower, 'stop'>;
  /** Whoever asks for changes again. */
  readonly askers: readonly { stop(): void }[];
  readonly sources: CatchUpSources;
  readonly requests: RequestSubscription;
  readonly clock: Clock;
  readonly logger: SyncLogger;
}

/** The service's own traffic, once it is known whose it is. */
interface Announcers {
  readonly status: StatusAnnouncer;
  readonly gaps: GapAnnouncer;
  readonly catchUp: CatchUpAnswers;
}

/**
 * Starts and stops the parts, and is the only place that knows the order.
 *
 * Start: the queue opens before any `onModuleInit` runs, so that `publish()` works from there; then the connection starts;
 * changes are received when the application has started, and has had the occasion to subscribe.
 * Stop: refuse new changes, receive no more and wait for handlers, finish the commits, deliver what can be delivered if
 * connected, say offline, disconnect (`beforeApplicationShutdown`); HTTP closes; then the store closes
 * (`onApplicationShutdown`). All within the deadline.
 */
export class MqttSyncLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private announcers: Announcers | undefined;
  private reopen: CancelTimer | undefined;
  /** Why the last try to open the queue failed; said once. */
  private openFailure: string | undefined;
  private initialised = false;
  private bootstrapped = false;
  private stopBeganMs: number | undefined;

  constructor(private readonly parts: LifecycleParts) {}

  /**
   * Opens the queue. A store that cannot be used just now does not keep the application from starting: it is tried again
   * until it can, and `publish()` rejects meanwhile.
   * @throws {QueueLockedError | QueueVesselMismatchError | StoreFormatError} somebody has to decide something first; only
   *   by the first try.
   */
  async open(): Promise<void> {
    const { options, queue, connection, logger, clock } = this.parts;
    if (!options.localMode) {
      logger.log('Sync is turned off: changes are neither stored nor sent.');
      return;
    }
    connection.observe(this.linkObserver(), {
      unacknowledged: () => this.parts.dispatcher.inFlight,
      isProbing: () => this.parts.dispatcher.isProbing,
    });
    try {
      this.opened(await queue.open({ vesselId: options.vesselId, isExplicit: options.vesselIdIsExplicit }));
    } catch (error) {
      // On a later try the application is running: to stop it would take it down with the store.
      const isRunning = this.openFailure !== undefined;
      if (!(error instanceof QueueUnavailableError) && !isRunning) throw error;
      const failure = inWords(error);
      if (failure !== this.openFailure) logger.error(`${failure} Trying again every ${REOPEN_INTERVAL_MS / 1000} s.`);
      this.openFailure = failure;
      if (this.stopBeganMs === undefined) this.reopen = clock.after(REOPEN_INTERVAL_MS, () => void this.open(), true);
    }
  }

  onModuleInit(): void {
    this.initialised = true;
    const { options, logger } = this.parts;
    const notice = options.localMode ? keepaliveNotice(options) : undefined;
    if (notice !== undefined) logger.warn(notice);
    this.connect();
  }

  onApplicationBootstrap(): void {
    this.bootstrapped = true;
    this.receive();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { queue, connection, dispatcher, publisher, receiver, watch, logger } = this.parts;
    this.stopBeganMs = this.parts.clock.monotonicMs();
    publisher.stop();
    this.reopen?.();
    for (const asker of this.parts.askers) asker.stop();
    await receiver.stop(this.remainingMs(1 - RECEIVING_SHARE));
    await this.within(this.remainingMs(CLOSING_SHARE), queue.settled());
    await this.within(this.remainingMs(CLOSING_SHARE), dispatcher.drain());
    await this.sayGoodbye();
    this.announcers?.gaps.disconnected();
    this.announcers?.catchUp.stop();
    await connection.stop(this.remainingMs(CLOSING_SHARE / 4));
    dispatcher.stop();
    watch.stop();
    const { messages } = queue.stats();
    if (messages > 0)
      logger.log(`Stopped with ${messages} message(s) in the queue${queue.durable ? '; they are safe on disk' : ''}.`);
  }

  async onApplicationShutdown(): Promise<void> {
    const { options, gaps, receiver, queue } = this.parts;
    gaps.stop();
    const ms = Math.max(this.remainingMs(0), options.shutdownDeadlineMs * STORES_SHARE);
    // At the same time, so that neither takes the time of the other.
    await Promise.all([receiver.close(), queue.close()].map((closing) => this.within(ms, closing)));
  }

  private opened(identity: QueueIdentity): void {
    const { options, queue, dispatcher, sources, requests, clock, logger } = this.parts;
    if (this.openFailure !== undefined) logger.log('The queue is open now: changes are accepted.');
    const topics = new Topics(options.topicPrefix, identity.vesselId);
    const send = dispatcher.send.bind(dispatcher);
    requests.want(requestFilters(topics, new InboundTopics(options.inboundPrefix, identity.vesselId)));
    this.announcers = {
      status: new StatusAnnouncer(topics.status, identity, send, clock, logger),
      gaps: new GapAnnouncer(topics.gap, identity, queue, send, clock, logger),
      catchUp: new CatchUpAnswers(
        {
          ...{ identity, topics, sources, clock, logger, history: queue.history },
          sendBehind: dispatcher.sendBehind.bind(dispatcher),
          maxPerSecond: options.catchUp.maxPerSecond,
        },
        requests,
      ),
    };
    this.connect();
    this.receive();
  }

  private receive(): void {
    const { identity } = this.parts.queue;
    if (!this.bootstrapped || !identity || this.stopBeganMs !== undefined) return;
    this.parts.receiver.start(identity.vesselId);
  }

  private connect(): void {
    const { queue, connection, options, clock } = this.parts;
    const { identity } = queue;
    if (!this.initialised || !identity || this.stopBeganMs !== undefined) return;
    const { status } = new Topics(options.topicPrefix, identity.vesselId);
    connection.start({
      clientId: `arus_sync_${identity.vesselId}`,
      // Made anew for every connection, so that no two outages look like one message.
      will: () => ({ topic: status, payload: statusPayload('offline', identity, clock), qos: 1, retain: true }),
    });
  }

  private linkObserver() {
    const { dispatcher, flush, queue } = this.parts;
    return {
      linked: (link: Link & IncomingLink) => {
        flush.begin(queue.stats().messages);
        dispatcher.linked(link);
        this.announcers?.status.connected();
        this.announcers?.gaps.connected(link.limits.maximumPacketSize);
        this.announcers?.catchUp.linked(link);
      },
      acknowledged: (link: Link, acknowledgement: Acknowledgement) => {
        dispatcher.acknowledged(link, acknowledgement);
        this.announcers?.catchUp.proven();
      },
      received: (link: IncomingLink, publish: IncomingPublish) => this.announcers?.catchUp.received(link, publish),
      drained: (link: Link) => dispatcher.drained(link),
      lost: (link: Link, loss: LinkLoss) => {
        flush.cut();
        this.announcers?.status.disconnected();
        this.announcers?.gaps.disconnected();
        this.announcers?.catchUp.lost();
        dispatcher.lost(link, loss);
      },
    };
  }

  /** Says offline; where the broker does not take that in time, the connection is cut, so that it publishes the will. */
  private async sayGoodbye(): Promise<void> {
    const { dispatcher, connection } = this.parts;
    dispatcher.hold();
    if (!connection.isConnected || !this.announcers) return;
    let told = false;
    const telling = this.announcers.status.goOffline().then((isTold) => void (told = isTold));
    await this.within(this.remainingMs(CLOSING_SHARE / 2), telling);
    if (!told) dispatcher.cut('the broker did not take the offline status in time');
  }

  /** Milliseconds until only `reservedShare` of the deadline is left. */
  private remainingMs(reservedShare: number): number {
    const { options, clock } = this.parts;
    const elapsedMs = clock.monotonicMs() - (this.stopBeganMs ?? clock.monotonicMs());
    return Math.max(0, options.shutdownDeadlineMs * (1 - reservedShare) - elapsedMs);
  }

  /** Waits for something at most so long; answers whether it came in time. */
  private async within(ms: number, work: Promise<void>): Promise<boolean> {
    let cancel: CancelTimer | undefined;
    const expiry = new Promise<false>((resolve) => (cancel = this.parts.clock.after(ms, () => resolve(false))));
    try {
      return await Promise.race([work.then(() => true), expiry]);
    } catch (error) {
      this.parts.logger.error(`While stopping: ${errorText(error)}`);
      return false;
    } finally {
      cancel?.();
    }
  }
}

function inWords(error: unknown): string {
  if (error instanceof MqttSyncError) return error.message;
  return `The queue cannot be opened: ${errorText(error)}.`;
}

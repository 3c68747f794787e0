import type { ConnectionControl } from '../connection/connection-control.js';
import type { IncomingLink, IncomingPublish } from '../connection/incoming-link.js';
import { failureText } from '../connection/failure-text.js';
import { ChangeInvalidError, EntityTypeInvalidError } from '../errors.js';
import type { SyncLogger } from '../logger.js';
import type { SyncEvents } from '../sync-events.js';
import type { CancelTimer, Clock } from '../time/clock.js';
import { decodeChange, type IncomingMessage, isUnknownEnvelope, isUnreadable } from '../wire/decode-change.js';
import { type EntityPattern, InboundTopics, isEntityPattern, isWildcard } from '../wire/inbound-topics.js';
import { ChangeHandling } from './change-handling.js';
import { type ChangeHandler, HandlerRegistry } from './handler-registry.js';
import type { Inbox } from './inbox/inbox.js';
import { InboxWriter } from './inbox-writer.js';
import { maxIncomingBytes, type ReceiverOptions } from './incoming-options.js';
import { Intake } from './intake.js';
import type { ReceiverView } from './receiver-view.js';
import { Pauses } from './pauses.js';
import { type ServiceListener, ServiceListeners } from './service-listeners.js';
import { type RefusedSubscription, Subscriptions } from './subscriptions.js';
import { UnclaimedMessages } from './unclaimed-messages.js';

/** Ends what it was returned for; calling it again does nothing. */
export type Unsubscribe = () => void;

/** What the receiver works with. */
export interface ReceiverParts {
  readonly options: ReceiverOptions;
  /** Used by nobody else. */
  readonly connection: ConnectionControl;
  readonly inbox: Inbox;
  readonly events: Pick<SyncEvents, 'emit'>;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  /** @default Math.random */
  readonly random?: () => number;
}

/** Between two tries to open an inbox that cannot be used. */
const REOPEN_INTERVAL_MS = 5000;
/** Share of a stop that is kept for the commits, the acknowledgements and the DISCONNECT. */
const CLOSING_SHARE = 0.4;

/**
 * Receives changes and hands each to its handlers; acknowledges it when they have succeeded and the inbox has recorded
 * that. Has a connection of its own, opened when it is started and something is subscribed.
 */
export class Receiver implements ReceiverView {
  private readonly registry = new HandlerRegistry();
  private readonly listeners = new ServiceListeners();
  private readonly pauses: Pauses;
  private readonly writer: InboxWriter;
  private readonly unclaimed: UnclaimedMessages;
  private readonly handling: ChangeHandling;
  private readonly subscriptions: Subscriptions;
  private intake: Intake | undefined;
  private known: { readonly vesselId: string; readonly topics: InboundTopics } | undefined;
  private opening: Promise<void> | undefined;
  private openFailure: string | undefined;
  private cancelReopen: CancelTimer = () => {};
  private stopping: Promise<void> | undefined;

  constructor(private readonly parts: ReceiverParts) {
    const { clock, logger, random = Math.random, connection } = parts;
    const { registry } = this;
    this.pauses = new Pauses(clock, random);
    this.writer = new InboxWriter(this.pauses, logger);
    this.unclaimed = new UnclaimedMessages(parts.events, clock, logger);
    const { writer, pauses, unclaimed } = this;
    this.handling = new ChangeHandling({ ...parts, writer, registry, pauses, unclaimed });
    this.subscriptions = new Subscriptions(
      clock,
      logger,
      () => connection.confirm(),
      () => this.intake?.isReading ?? true,
    );
  }

  get isWanted(): boolean {
    return this.registry.patterns.length > 0 || this.listeners.openConnection;
  }

  /** Whose receiver it is; undefined until that is known. */
  get vesselId(): string | undefined {
    return this.known?.vesselId;
  }

  /** Whether somebody here handles changes of an entity type. */
  isSubscribed(entity: string): boolean {
    return this.registry.patterns.some((pattern) => isWildcard(pattern) || pattern === entity);
  }

  get isConnected(): boolean {
    return this.parts.connection.isConnected;
  }

  get activeSubscriptions(): number {
    return this.subscriptions.active;
  }

  get refusedSubscriptions(): readonly RefusedSubscription[] {
    return this.subscriptions.refused;
  }

  get unavailableReason(): string | undefined {
    return this.openFailure ?? this.writer.unavailableReason;
  }

  get unacknowledged(): number {
    return this.intake?.unacknowledged ?? 0;
  }

  get handlersRunning(): number {
    return this.handling.inProgress;
  }

  /**
   * Hands the changes of an entity type, or of all of them (`+`, `#`), to a handler. Works before and after the start.
   * @throws {EntityTypeInvalidError} the pattern is neither.
   */
  subscribe(pattern: EntityPattern, handler: ChangeHandler): Unsubscribe {
    if (typeof pattern !== 'string' || !isEntityPattern(pattern)) {
      throw new EntityTypeInvalidError(
        `Cannot subscribe to ${JSON.stringify(pattern)}: give an entity type, or + for all of them.`,
      );
    }
    const registration = { pattern, handler };
    this.registry.add(registration);
    this.wantsChanged();
    return () => {
      this.registry.remove(registration);
      this.wantsChanged();
    };
  }

  /** Hands traffic of the service itself to somebody in the library. */
  listen(listener: ServiceListener): Unsubscribe {
    this.listeners.add(listener);
    this.wantsChanged();
    return () => {
      this.listeners.remove(listener);
      this.wantsChanged();
    };
  }

  /**
   * Handles a message once more, e.g. one that was parked, in its place behind what is under way for its key, whatever
   * the inbox knows of it; nothing is recorded.
   * @throws {ChangeInvalidError} nobody can read it, or it is not what its topic says.
   * @throws {NotSubscribedError} it has no handlers. Whatever a handler throws.
   */
  handleAgain(message: IncomingMessage): Promise<void> {
    const change = decodeChange(message, maxIncomingBytes(this.parts.options));
    if (isUnreadable(change)) return Promise.reject(new ChangeInvalidError(`It cannot be read: ${change.fault}.`));
    if (isUnknownEnvelope(change))
      return Promise.reject(new ChangeInvalidError('Its envelope is of a type that this version does not know.'));
    const contradiction = this.known?.topics.contradiction(change);
    if (contradiction !== undefined)
      return Promise.reject(new ChangeInvalidError(`Not to be believed: ${contradiction}.`));
    return new Promise((resolve, reject) => {
      const task = () => this.handling.handleOnce(change).then(resolve, reject);
      if (this.intake) this.intake.inLine(change, task);
      else void task();
    });
  }

  /** Starts receiving, as soon as something is subscribed. The vessel id tells our own changes from others. */
  start(vesselId: string): void {
    if (this.known || this.stopping) return;
    const { inboundPrefix, incoming } = this.parts.options;
    this.known = { vesselId, topics: new InboundTopics(inboundPrefix, vesselId, incoming.verifySender) };
    this.wantsChanged();
  }

  /** Takes no more, waits for running handlers, records and acknowledges what they did, and disconnects, in this time. */
  stop(timeoutMs: number): Promise<void> {
    this.stopping ??= this.end(timeoutMs);
    return this.stopping;
  }

  /** Closes the inbox; after `stop()`. */
  async close(): Promise<void> {
    if (this.opening) await this.parts.inbox.close();
  }

  private async end(timeoutMs: number): Promise<void> {
    const { connection, clock } = this.parts;
    const beganMs = clock.monotonicMs();
    const leftMs = (share: number): number => Math.max(0, timeoutMs * (1 - share) - (clock.monotonicMs() - beganMs));
    this.cancelReopen();
    this.intake?.close();
    this.pauses.stop();
    await this.within(leftMs(CLOSING_SHARE), this.handling.idle());
    this.handling.abort(new Error('The process is stopping.'));
    await this.within(leftMs(CLOSING_SHARE / 2), this.writer.settled());
    this.intake?.flush();
    await connection.stop(leftMs(0));
  }

  private wantsChanged(): void {
    const { known } = this;
    if (!known || this.stopping) return;
    this.subscriptions.want(this.wanted(known.topics));
    if (this.isWanted) this.opening ??= this.open(known.vesselId, known.topics);
  }

  private wanted(topics: InboundTopics): readonly string[] {
    const { shareGroup } = this.parts.options.incoming;
    const share = (filter: string): string => (shareGroup === undefined ? filter : `$share/${shareGroup}/${filter}`);
    const changes = this.registry.patterns.flatMap((pattern) => topics.filtersOf(pattern).map(share));
    return [...changes, ...this.listeners.filters(topics)];
  }

  /** Opens the inbox, then connects. An inbox that cannot be used is tried again until it can. */
  private async open(vesselId: string, topics: InboundTopics): Promise<void> {
    const { inbox, logger, clock } = this.parts;
    try {
      await inbox.open();
    } catch (error) {
      const reason = failureText(error);
      if (reason !== this.openFailure)
        logger.error(`Nothing is received: ${reason} Trying again every ${REOPEN_INTERVAL_MS / 1000} s.`);
      this.openFailure = reason;
      if (this.stopping) return;
      await new Promise<void>((resolve) => (this.cancelReopen = clock.after(REOPEN_INTERVAL_MS, resolve)));
      return this.open(vesselId, topics);
    }
    this.openFailure = undefined;
    if (!this.stopping) this.connect(vesselId, topics);
  }

  private connect(vesselId: string, topics: InboundTopics): void {
    const { connection, options } = this.parts;
    const { writer, handling, listeners, unclaimed } = this;
    const intake = new Intake({ ...this.parts, vesselId, topics, listeners, handling, writer, unclaimed });
    this.intake = intake;
    connection.observe({
      linked: (link: IncomingLink) => {
        intake.linked(link);
        this.subscriptions.linked(link);
      },
      received: (_link: IncomingLink, publish: IncomingPublish) => {
        this.subscriptions.received();
        intake.received(publish);
      },
      lost: () => {
        this.subscriptions.lost();
        intake.lost();
      },
    });
    connection.start({
      clientId: `arus_sync_${vesselId}_in`,
      will: undefined,
      session: 'lasting',
      receiveMaximum: options.incoming.receiveMaximum,
    });
  }

  /** Waits for something at most so long. */
  private async within(ms: number, work: Promise<void>): Promise<void> {
    let cancel: CancelTimer = () => {};
    const expiry = new Promise<void>((resolve) => (cancel = this.parts.clock.after(ms, resolve)));
    await Promise.race([work, expiry]);
    cancel();
  }
}

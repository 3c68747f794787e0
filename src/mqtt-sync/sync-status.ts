import type { ConnectionView } from './connection/connection-control.js';
import type { ResolvedOptions } from './resolve-options.js';
import type { Dispatcher } from './publisher/dispatcher.js';
import type { RequestSubscription, SubscriptionView } from './publisher/catch-up/request-subscription.js';
import type { PausedType } from './publisher/refusal-pauses.js';
import type { SyncPublisher } from './publisher/sync-publisher.service.js';
import { UNAVAILABLE } from './queue/reasons.js';
import type { QueueStats, SyncQueue } from './queue/sync-queue.js';
import type { GapsView } from './subscriber/gap-follower.js';
import type { ReceiverView } from './subscriber/receiver-view.js';
import type { SyncStatistics } from './sync-statistics.js';
import type { Clock } from './time/clock.js';
import { Topics } from './wire/topics.js';

/** Above it the queue is close enough to its limit to worry about. */
const HIGH_UTILIZATION_PERCENT = 80;

/** Everything that can make the service degraded. */
export const DEGRADED_REASONS = [
  'local_mode_off',
  'not_connected',
  'queue_above_80_percent',
  'oldest_message_too_old',
  'queue_unavailable',
  'receiver_not_connected',
  'subscription_refused',
  'inbox_unavailable',
] as const;

/** Why the service is degraded. */
export type DegradedReason = (typeof DEGRADED_REASONS)[number];

/** What the status is composed of. */
export interface StatusParts {
  readonly options: ResolvedOptions;
  readonly queue: SyncQueue;
  readonly connection: ConnectionView;
  readonly publisher: Pick<SyncPublisher, 'isStopping'>;
  readonly dispatcher: Pick<Dispatcher, 'inFlight' | 'maxInFlight' | 'paused'>;
  readonly requests: Pick<RequestSubscription, 'view'>;
  readonly receiver: ReceiverView;
  readonly gaps: GapsView;
  readonly statistics: SyncStatistics;
  readonly clock: Clock;
}

/** The state of the module at a glance: what health, metrics and the operator page show. Read afresh at each access. */
export class SyncStatus {
  constructor(private readonly parts: StatusParts) {}

  /** `false`: sync is turned off. */
  get localMode(): boolean {
    return this.parts.options.localMode;
  }

  /** Whose changes are published; the queue's memory wins over a default id. */
  get vesselId(): string {
    return this.parts.queue.identity?.vesselId ?? this.parts.options.vesselId;
  }

  /** Whether changes can be accepted just now. */
  get accepting(): boolean {
    return this.unavailableReason === undefined;
  }

  /** Why changes cannot be accepted; undefined when they can. */
  get unavailableReason(): string | undefined {
    return this.unavailabilityIn(this.queue);
  }

  /** Broker address without credentials. */
  get broker(): string {
    return this.parts.connection.broker;
  }

  get connected(): boolean {
    return this.parts.connection.isConnected;
  }

  /** Connection attempts since the last connection. */
  get reconnectAttempts(): number {
    return this.parts.connection.reconnectAttempts;
  }

  get tlsEnabled(): boolean {
    return this.parts.connection.tlsEnabled;
  }

  /** The eight known topics. */
  get topics(): readonly string[] {
    return new Topics(this.parts.options.topicPrefix, this.vesselId).known;
  }

  /** Subscriptions to incoming changes that the broker has granted. */
  get activeSubscriptions(): number {
    return this.parts.receiver.activeSubscriptions;
  }

  /** Where other vessels and shore ask this vessel for changes again; on the publisher's connection. */
  get requestSubscriptions(): readonly SubscriptionView[] {
    return this.parts.requests.view;
  }

  /** The receiving side. */
  get receiver(): ReceiverView {
    return this.parts.receiver;
  }

  /** What other vessels' changes have not come, or never will. */
  get gaps(): GapsView {
    return this.parts.gaps;
  }

  get queue(): QueueStats {
    return this.parts.queue.stats();
  }

  get statistics(): SyncStatistics {
    return this.parts.statistics;
  }

  /** Messages sent and not yet acknowledged. */
  get inFlight(): number {
    return this.parts.dispatcher.inFlight;
  }

  /** How many messages may be sent and not yet acknowledged; the broker may allow fewer. */
  get maxInFlight(): number {
    return this.parts.dispatcher.maxInFlight;
  }

  /** The entity types that the broker holds back: it refuses a message of each for now. */
  get pausedTypes(): readonly PausedType[] {
    return this.parts.dispatcher.paused;
  }

  /** Age of the oldest undelivered message by the wall clock; undefined when there is none. */
  get oldestUndeliveredAgeMs(): number | undefined {
    return this.ageIn(this.queue);
  }

  /** How full the queue is, of messages or bytes, whichever is fuller. */
  get utilizationPercent(): number {
    return utilizationIn(this.queue);
  }

  /** Everything that makes the service degraded; empty when it is healthy. */
  get reasons(): readonly DegradedReason[] {
    if (!this.localMode) return ['local_mode_off'];
    const { queue } = this;
    const tooOld = (this.ageIn(queue) ?? 0) > this.parts.options.healthMaxAgeS * 1000;
    const findings: readonly (readonly [boolean, DegradedReason])[] = [
      [!this.connected, 'not_connected'],
      [utilizationIn(queue) > HIGH_UTILIZATION_PERCENT, 'queue_above_80_percent'],
      [tooOld, 'oldest_message_too_old'],
      [this.unavailabilityIn(queue) !== undefined, 'queue_unavailable'],
      ...this.receiverFindings(),
    ];
    return findings.flatMap(([applies, reason]) => (applies ? [reason] : []));
  }

  private receiverFindings(): readonly (readonly [boolean, DegradedReason])[] {
    const { isWanted, isConnected, refusedSubscriptions, unavailableReason } = this.parts.receiver;
    return [
      [isWanted && !isConnected, 'receiver_not_connected'],
      [refusedSubscriptions.length > 0, 'subscription_refused'],
      [unavailableReason !== undefined, 'inbox_unavailable'],
    ];
  }

  get status(): 'healthy' | 'degraded' {
    return statusOf(this.reasons);
  }

  private unavailabilityIn({ available, unavailableReason }: QueueStats): string | undefined {
    if (this.parts.publisher.isStopping) return UNAVAILABLE.stopping;
    if (!this.localMode) return undefined;
    if (!this.parts.queue.identity) return UNAVAILABLE.notOpen;
    return available ? undefined : (unavailableReason ?? UNAVAILABLE.failing);
  }

  private ageIn({ oldestAcceptedAtMs }: QueueStats): number | undefined {
    return oldestAcceptedAtMs === undefined ? undefined : Math.max(0, this.parts.clock.wallMs() - oldestAcceptedAtMs);
  }
}

function utilizationIn({ messages, maxMessages, bytes, maxBytes }: QueueStats): number {
  return Math.max(messages / maxMessages, bytes / maxBytes) * 100;
}

/** What the reasons come to. */
export function statusOf(reasons: readonly DegradedReason[]): 'healthy' | 'degraded' {
  return reasons.length === 0 ? 'healthy' : 'degraded';
}

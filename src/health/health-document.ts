import type { GapsView } from '../mqtt-sync/subscriber/gap-follower.js';
import type { RefusedSubscription } from '../mqtt-sync/subscriber/subscriptions.js';
import { type DegradedReason, statusOf, type SyncStatus } from '../mqtt-sync/sync-status.js';
import type { Range } from '../mqtt-sync/wire/sequence-ranges.js';

/** Name that dashboards know the service by. */
export const SERVICE_NAME = 'MQTT Reliable Sync Service';

/** What is missing, and was ever lost, of one vessel and entity type. */
export interface GapView {
  readonly vesselId: string;
  readonly entity: string;
  readonly epoch: number;
  readonly missing: number;
  readonly lost: number;
  /** The first of the missing numbers, as ranges; no more than ten. */
  readonly missingRanges: readonly Range[];
}

/** The health document; its fields are a contract with dashboards. */
export interface HealthDocument {
  readonly service: typeof SERVICE_NAME;
  readonly status: 'healthy' | 'degraded';
  readonly timestamp: string;
  readonly mqtt: {
    readonly status: 'connected' | 'disconnected';
    /** Without credentials. */
    readonly broker: string;
    /** QoS of an entity type that nobody configured. */
    readonly qosLevel: 1;
    readonly queuedMessages: number;
    readonly maxQueueSize: number;
    /** E.g. `12.5%`. */
    readonly queueUtilization: string;
    readonly activeSubscriptions: number;
    readonly topics: readonly string[];
    /** Since the last connection. */
    readonly reconnectAttempts: number;
    readonly tlsEnabled: boolean;
  };
  readonly detailedMetrics: {
    readonly messagesPublished: number;
    readonly messagesQueued: number;
    readonly messagesDropped: number;
    readonly publishFailures: number;
    readonly reconnectionAttempts: number;
    readonly queueFlushes: number;
    readonly currentQueueSize: number;
    readonly maxQueueSize: number;
    /** Percent. */
    readonly queueUtilization: number;
    readonly isConnected: boolean;
    readonly reconnectAttempts: number;
  };
  /** The receiving side; `idle` while nothing is subscribed. */
  readonly incoming: {
    readonly status: 'idle' | 'connected' | 'disconnected';
    readonly refusedSubscriptions: readonly RefusedSubscription[];
    /** Received and not acknowledged yet. */
    readonly unacknowledged: number;
    readonly handlersRunning: number;
    readonly handled: number;
    readonly repeated: number;
    readonly echoed: number;
    readonly failedTries: number;
    readonly parked: number;
    readonly orderBreaks: number;
    /** Of other vessels, not here yet though later ones are. */
    readonly missing: number;
    /** Told as lost since the start. */
    readonly lost: number;
    /** Parked messages that wait for somebody. */
    readonly waitingParked: number;
    /** Where something is missing or was lost, most missing first; no more than twenty. */
    readonly gaps: readonly GapView[];
  };
  readonly reasons: readonly DegradedReason[];
}

/** Composes the health document of this moment. */
export function composeHealthDocument(sync: SyncStatus, now: Date): HealthDocument {
  const { queue, statistics, connected, reconnectAttempts, utilizationPercent, reasons } = sync;
  return {
    service: SERVICE_NAME,
    status: statusOf(reasons),
    timestamp: now.toISOString(),
    mqtt: {
      status: connected ? 'connected' : 'disconnected',
      broker: sync.broker,
      qosLevel: 1,
      queuedMessages: queue.messages,
      maxQueueSize: queue.maxMessages,
      queueUtilization: `${utilizationPercent.toFixed(1)}%`,
      activeSubscriptions: sync.activeSubscriptions,
      topics: sync.topics,
      reconnectAttempts,
      tlsEnabled: sync.tlsEnabled,
    },
    detailedMetrics: {
      messagesPublished: statistics.messagesPublished,
      messagesQueued: statistics.messagesQueued,
      messagesDropped: statistics.messagesDropped,
      publishFailures: statistics.publishFailures,
      reconnectionAttempts: statistics.reconnectionAttempts,
      queueFlushes: statistics.queueFlushes,
      currentQueueSize: queue.messages,
      maxQueueSize: queue.maxMessages,
      queueUtilization: utilizationPercent,
      isConnected: connected,
      reconnectAttempts,
    },
    incoming: incomingOf(sync),
    reasons,
  };
}

function incomingOf({ receiver, statistics, gaps }: SyncStatus): HealthDocument['incoming'] {
  const { isWanted, isConnected, refusedSubscriptions, unacknowledged, handlersRunning } = receiver;
  return {
    status: isConnected ? 'connected' : isWanted ? 'disconnected' : 'idle',
    refusedSubscriptions,
    unacknowledged,
    handlersRunning,
    handled: statistics.changesHandled,
    repeated: statistics.changesRepeated,
    echoed: statistics.changesEchoed,
    failedTries: statistics.handlerFailures,
    parked: statistics.changesParked,
    orderBreaks: statistics.orderBreaks,
    missing: gaps.missingCount,
    lost: statistics.lostChanges,
    waitingParked: gaps.parkedCount,
    gaps: gapsIn(gaps),
  };
}

const GAPS_SHOWN = 20;
const RANGES_SHOWN = 10;

function gapsIn(view: GapsView): GapView[] {
  return [...view.gaps()]
    .sort((a, b) => b.missingCount - a.missingCount || b.lostCount - a.lostCount)
    .slice(0, GAPS_SHOWN)
    .map(({ vesselId, entity, epoch, missing, missingCount, lostCount }) => {
      const missingRanges = missing.slice(0, RANGES_SHOWN);
      return { vesselId, entity, epoch, missing: missingCount, lost: lostCount, missingRanges };
    });
}

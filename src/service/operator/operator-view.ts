import type { ConnectionState } from '../../mqtt-sync/connection/connection-control.js';
import type { SubscriptionView } from '../../mqtt-sync/publisher/catch-up/request-subscription.js';
import type { DiscardReason } from '../../mqtt-sync/queue/sync-queue.js';
import type { DegradedReason } from '../../mqtt-sync/sync-status.js';
import type { Lane } from '../../mqtt-sync/wire/lanes.js';
import type { SequenceRange } from '../../mqtt-sync/wire/sequence-ranges.js';
import type { LastDelivery } from './flow-history.js';
import type { FlowBucket } from './flow-series.js';
import type { OutageKind } from './outages.js';

/** Numbers of one lane, for people. */
export interface LaneView {
  readonly messages: number;
  readonly bytes: number;
  /** When its oldest message was accepted; absent when it is empty. */
  readonly oldestAcceptedAt?: string;
}

/** An outage, for people. */
export interface OutageView {
  readonly kind: OutageKind;
  readonly from: string;
  /** Absent while it goes on. */
  readonly to?: string;
  readonly reason: string;
  /** How many outages this stands for: of very many, neighbours are told as one. */
  readonly count: number;
}

/** An entity type that the broker holds back, for people. */
export interface PausedTypeView {
  readonly entity: string;
  readonly since: string;
  /** What the broker said last. */
  readonly reason: string;
}

/** Everything that the operator page and the command line show of the queue and its connection: numbers, no payloads. */
export interface OperatorView {
  readonly service: {
    readonly version: string;
    readonly vesselId: string;
    /** Which life of the queue it is; absent while the queue is not open. */
    readonly epoch?: number;
    readonly startedAt: string;
  };
  readonly health: {
    readonly status: 'healthy' | 'degraded';
    readonly reasons: readonly DegradedReason[];
    /** Whether changes can be accepted. */
    readonly accepting: boolean;
    /** Why they cannot. */
    readonly unavailableReason?: string;
  };
  readonly connection: {
    readonly state: ConnectionState;
    readonly connected: boolean;
    /** Since when it is connected, or is not. */
    readonly since: string;
    /** Without credentials. */
    readonly broker: string;
    readonly tlsEnabled: boolean;
    /** MQTT version, while connected. */
    readonly protocol?: string;
    /** Attempts since the last connection. */
    readonly reconnectAttempts: number;
    /** Why there is no connection. */
    readonly lastFailure?: string;
  };
  readonly queue: {
    /** While it is not, nobody knows what is in it: every number of messages, dead letters and gaps is 0 then. */
    readonly open: boolean;
    /** Accepted and not yet delivered, in flight included. */
    readonly messages: number;
    readonly bytes: number;
    readonly oldestAcceptedAt?: string;
    /** Sent and not yet acknowledged. */
    readonly inFlight: number;
    /** Of messages or bytes, whichever is fuller. */
    readonly utilizationPercent: number;
    readonly deadLetters: number;
    /** Damaged stores in the folder at the start, whose messages are not delivered. */
    readonly storesAside: number;
    /** Whether what is accepted survives a restart. */
    readonly durable: boolean;
    readonly lanes: Readonly<Record<Lane, LaneView>>;
  };
  readonly limits: {
    readonly maxMessages: number;
    readonly maxBytes: number;
    readonly maxMessageBytes: number;
    readonly maxDeadLetters: number;
    readonly maxInFlight: number;
    /** An older undelivered message means degraded. */
    readonly healthMaxAgeS: number;
    readonly overflowPolicy: string;
  };
  /** Since the process started. */
  readonly counts: {
    readonly delivered: number;
    readonly dropped: number;
    /** Not found in the store, which must be damaged. */
    readonly missing: number;
    readonly deadLettered: number;
    /** Dead letters gone for good: more than are kept, and by hand. */
    readonly deadLettersDiscarded: Readonly<Record<DiscardReason, number>>;
    readonly publishFailures: number;
    readonly possibleDuplicates: number;
    readonly reconnectionAttempts: number;
  };
  /** Changes dropped, given up or missing before the process started. */
  readonly lostBefore: {
    readonly count: number;
    /** When the last of them was; absent when there are none. */
    readonly lastAt?: string;
    /** From when on losses are known. */
    readonly knownSince: string;
  };
  readonly gaps: {
    /** Sequence numbers lost for good that the other side does not know of yet. */
    readonly untold: number;
    /** The first of them, as ranges. */
    readonly ranges: readonly (SequenceRange & { readonly entity: string })[];
  };
  readonly paused: {
    /** Entity types that the broker holds back: it refuses a message of each for now. */
    readonly count: number;
    /** The first of them. */
    readonly types: readonly PausedTypeView[];
  };
  readonly subscriptions: {
    /** What others ask this vessel on, for changes again. */
    readonly requests: readonly SubscriptionView[];
    /** Topic filters of incoming changes that the broker has granted. */
    readonly incoming: number;
    /** And those that it refuses. */
    readonly incomingRefused: readonly string[];
  };
  readonly topics: {
    /** Where the vessel publishes what it always has: changes of the known entity types, status and gaps, answers to requests. */
    readonly published: readonly string[];
  };
  readonly outages: {
    /** From when on they are known. */
    readonly knownSince: string;
    /** Oldest first; the last one may be going on. */
    readonly list: readonly OutageView[];
  };
  readonly flow: {
    readonly lastDelivery?: LastDelivery;
    /** When a change was last lost for want of room, in the queue or among the dead letters; absent when none was since the start. */
    readonly lastLossAt?: string;
    /** The newest bucket of each series of the flow history. */
    readonly newest: readonly FlowBucket[];
  };
}

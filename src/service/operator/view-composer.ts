import { packageVersion } from '../../metrics/package-version.js';
import type { ConnectionView } from '../../mqtt-sync/connection/connection-control.js';
import { reasonCodeText } from '../../mqtt-sync/connection/failure-text.js';
import type { ResolvedOptions } from '../../mqtt-sync/resolve-options.js';
import type { SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import type { SyncStatus } from '../../mqtt-sync/sync-status.js';
import { LANES } from '../../mqtt-sync/wire/lanes.js';
import type { FlowHistory } from './flow-history.js';
import type { LossHistory } from './loss-history.js';
import type { OperatorView, OutageView } from './operator-view.js';
import type { OutageHistory } from './outage-history.js';
import type { Outage } from './outages.js';
import { shownRanges, toLaneView } from './queue-numbers.js';

/** As many paused entity types are named. */
const SHOWN_PAUSED = 20;
/** Of the reason of an outage in the list, in characters. */
const LONGEST_REASON = 72;

/** What the view is composed of. */
export interface ViewParts {
  readonly options: ResolvedOptions;
  readonly sync: SyncStatus;
  readonly queue: Pick<SyncQueue, 'identity' | 'durable' | 'gaps'>;
  readonly connection: ConnectionView;
  readonly outages: OutageHistory;
  readonly losses: Pick<LossHistory, 'earlier'>;
  readonly flow: FlowHistory;
}

/** Composes what operators see of this moment. */
export class ViewComposer {
  private readonly startedAt: string;

  constructor(
    private readonly parts: ViewParts,
    startedAtMs: number,
  ) {
    this.startedAt = timeOf(startedAtMs);
  }

  compose(): OperatorView {
    const { sync, flow } = this.parts;
    const { lastDelivery, lastLossAt } = flow;
    return {
      service: this.service(),
      health: this.health(),
      connection: this.connection(),
      queue: this.queue(),
      limits: this.limits(),
      counts: this.counts(),
      lostBefore: this.lostBefore(),
      gaps: this.gaps(),
      paused: this.paused(),
      subscriptions: this.subscriptions(),
      topics: { published: sync.topics },
      outages: this.outages(),
      flow: { newest: flow.newest(), ...(lastDelivery && { lastDelivery }), ...(lastLossAt && { lastLossAt }) },
    };
  }

  private service(): OperatorView['service'] {
    const epoch = this.parts.queue.identity?.epoch;
    const { vesselId } = this.parts.sync;
    return { version: packageVersion(), vesselId, ...(epoch !== undefined && { epoch }), startedAt: this.startedAt };
  }

  private health(): OperatorView['health'] {
    const { status, reasons, accepting, unavailableReason } = this.parts.sync;
    return { status, reasons, accepting, ...(unavailableReason !== undefined && { unavailableReason }) };
  }

  private connection(): OperatorView['connection'] {
    const { state, isConnected, broker, tlsEnabled, reconnectAttempts, lastFailure } = this.parts.connection;
    const { since, protocol } = this.parts.outages;
    return {
      ...{ state, connected: isConnected, since, broker, tlsEnabled, reconnectAttempts },
      ...(protocol !== undefined && { protocol }),
      ...(lastFailure !== undefined && { lastFailure }),
    };
  }

  private queue(): OperatorView['queue'] {
    const { sync, queue } = this.parts;
    const { messages, bytes, oldestAcceptedAtMs, deadLetters, storesAside, lanes } = sync.queue;
    const shown = LANES.map((lane) => [lane, toLaneView(lanes[lane])]);
    return {
      open: queue.identity !== undefined,
      ...toLaneView({ messages, bytes, oldestAcceptedAtMs }),
      inFlight: sync.inFlight,
      utilizationPercent: Math.round(sync.utilizationPercent * 10) / 10,
      deadLetters,
      storesAside,
      durable: queue.durable,
      lanes: Object.fromEntries(shown) as OperatorView['queue']['lanes'],
    };
  }

  private limits(): OperatorView['limits'] {
    const { options, sync } = this.parts;
    const { queue, maxMessageBytes, healthMaxAgeS } = options;
    const { maxMessages, maxBytes, maxDeadLetters, overflowPolicy } = queue;
    const { maxInFlight } = sync;
    return { maxMessages, maxBytes, maxMessageBytes, maxDeadLetters, maxInFlight, healthMaxAgeS, overflowPolicy };
  }

  private counts(): OperatorView['counts'] {
    const { statistics } = this.parts.sync;
    const { messagesPublished, messagesDropped, messagesMissing, deadLettered, deadLettersDiscarded } = statistics;
    const { publishFailures, possibleDuplicates, reconnectionAttempts } = statistics;
    return {
      ...{ delivered: messagesPublished, dropped: messagesDropped, missing: messagesMissing, deadLettered },
      // The view is kept and compared; this one goes on counting.
      deadLettersDiscarded: { ...deadLettersDiscarded },
      ...{ publishFailures, possibleDuplicates, reconnectionAttempts },
    };
  }

  private lostBefore(): OperatorView['lostBefore'] {
    const { lost, lastMs, sinceMs } = this.parts.losses.earlier;
    return { count: lost, ...(lastMs !== undefined && { lastAt: timeOf(lastMs) }), knownSince: timeOf(sinceMs) };
  }

  private subscriptions(): OperatorView['subscriptions'] {
    const { requestSubscriptions, activeSubscriptions, receiver } = this.parts.sync;
    return {
      requests: requestSubscriptions,
      incoming: activeSubscriptions,
      incomingRefused: receiver.refusedSubscriptions.map(({ filter }) => filter),
    };
  }

  private gaps(): OperatorView['gaps'] {
    const untold = this.parts.sync.queue.untoldGaps;
    if (untold === 0) return { untold, ranges: [] };
    return { untold, ranges: shownRanges(this.parts.queue.gaps()) };
  }

  private paused(): OperatorView['paused'] {
    const { pausedTypes } = this.parts.sync;
    const types = pausedTypes.slice(0, SHOWN_PAUSED).map(({ entity, sinceMs, reasonCode }) => ({
      entity,
      since: timeOf(sinceMs),
      reason: reasonCodeText(reasonCode),
    }));
    return { count: pausedTypes.length, types };
  }

  private outages(): OperatorView['outages'] {
    const { knownSince, past, ongoing } = this.parts.outages;
    const list = past.map(toOutageView);
    if (ongoing && this.parts.options.localMode) {
      const { fromMs, reason } = ongoing;
      list.push({ kind: 'disconnected', from: timeOf(fromMs), reason: shortened(reason), count: 1 });
    }
    return { knownSince, list };
  }
}

function toOutageView({ kind, fromMs, toMs, reason, count }: Outage): OutageView {
  return { kind, from: timeOf(fromMs), to: timeOf(toMs), reason: shortened(reason), count };
}

/** There are a hundred of them, and the page is for slow links; the log has them whole. */
function shortened(reason: string): string {
  return reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON - 1)}…`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

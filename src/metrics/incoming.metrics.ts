import { makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { SyncStatus } from '../mqtt-sync/sync-status.js';
import { counterOf, gaugeOf, type MetricProvider, UNREGISTERED } from './metric-providers.js';

/** What an operator needs to know of the receiving side. */
export function incomingMetrics(): MetricProvider[] {
  return [
    counterOf(
      'arus_sync_changes_handled_total',
      'Incoming changes handled, and recorded as such.',
      ({ statistics }) => statistics.changesHandled,
    ),
    counterOf(
      'arus_sync_duplicates_total',
      'Incoming changes that came again: acknowledged, not handled.',
      ({ statistics }) => statistics.changesRepeated,
    ),
    counterOf(
      'arus_sync_echoes_total',
      'Own changes that came back: acknowledged, not handled.',
      ({ statistics }) => statistics.changesEchoed,
    ),
    counterOf(
      'arus_sync_handler_failures_total',
      'Tries to handle an incoming change that failed.',
      ({ statistics }) => statistics.handlerFailures,
    ),
    counterOf(
      'arus_sync_changes_parked_total',
      'Incoming messages set aside: their handler kept failing, or nobody can read them.',
      ({ statistics }) => statistics.changesParked,
    ),
    counterOf(
      'arus_sync_changes_unclaimed_total',
      'Incoming messages acknowledged without a handler.',
      ({ statistics }) => statistics.changesUnclaimed,
    ),
    counterOf(
      'arus_sync_order_breaks_total',
      'Incoming changes that came for the first time after a newer one of their key.',
      ({ statistics }) => statistics.orderBreaks,
    ),
    gaugeOf('arus_sync_receiver_connected', '1 while the receiver is connected, else 0.', ({ receiver }) =>
      receiver.isConnected ? 1 : 0,
    ),
    refusedSubscriptions(),
    gaugeOf(
      'arus_sync_unacknowledged_changes',
      'Incoming messages received and not acknowledged yet.',
      ({ receiver }) => receiver.unacknowledged,
    ),
    gaugeOf(
      'arus_sync_missing_changes',
      'Changes of other vessels that have not come, though later ones have.',
      ({ gaps }) => gaps.missingCount,
    ),
    counterOf(
      'arus_sync_lost_changes_total',
      'Changes of other vessels that were told as lost.',
      ({ statistics }) => statistics.lostChanges,
    ),
    gaugeOf('arus_sync_parked_changes', 'Incoming messages that are parked.', ({ gaps }) => gaps.parkedCount),
  ];
}

function refusedSubscriptions(): MetricProvider {
  return makeGaugeProvider({
    name: 'arus_sync_refused_subscriptions',
    help: 'Subscriptions that the broker refuses: to incoming changes, or to requests for changes again.',
    labelNames: ['purpose'],
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect({ receiver, requestSubscriptions }: SyncStatus) {
      this.set({ purpose: 'changes' }, receiver.refusedSubscriptions.length);
      this.set({ purpose: 'requests' }, requestSubscriptions.filter(({ state }) => state === 'refused').length);
    },
  }) as MetricProvider;
}

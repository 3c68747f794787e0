import { makeCounterProvider, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { DEGRADED_REASONS, SyncStatus } from '../mqtt-sync/sync-status.js';
import { DELIVERY_LATENCY, STORE_COMMIT } from './durations.js';
import { counterOf, gaugeOf, type MetricProvider, UNREGISTERED } from './metric-providers.js';
import { incomingMetrics } from './incoming.metrics.js';
import { packageVersion } from './package-version.js';

/** From a good link to a week in a yard, in seconds. */
const LATENCY_BUCKETS_S = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800];

/** From a good SSD to a disk that is about to fail, in seconds. */
const COMMIT_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** What an operator needs beside the nine `arus_mqtt_*` metrics. */
export function arusSyncMetrics(): MetricProvider[] {
  return [
    makeHistogramProvider({
      name: DELIVERY_LATENCY,
      help: 'Seconds from the acceptance of a message to its delivery.',
      buckets: LATENCY_BUCKETS_S,
      ...UNREGISTERED,
    }) as MetricProvider,
    makeHistogramProvider({
      name: STORE_COMMIT,
      help: 'Seconds that a commit of the store takes, fdatasync included.',
      buckets: COMMIT_BUCKETS_S,
      ...UNREGISTERED,
    }) as MetricProvider,
    gaugeOf(
      'arus_sync_oldest_undelivered_age_seconds',
      'Age of the oldest message not yet delivered; 0 when there is none.',
      ({ oldestUndeliveredAgeMs }) => (oldestUndeliveredAgeMs ?? 0) / 1000,
    ),
    gaugeOf('arus_sync_in_flight_messages', 'Messages sent and not yet acknowledged.', ({ inFlight }) => inFlight),
    gaugeOf(
      'arus_sync_paused_entity_types',
      'Entity types that the broker holds back: it refuses a message of each for now.',
      ({ pausedTypes }) => pausedTypes.length,
    ),
    gaugeOf('arus_sync_queue_bytes', 'Bytes of the messages in the queue.', ({ queue }) => queue.bytes),
    gaugeOf('arus_sync_accepting', '1 while changes can be accepted, else 0.', ({ accepting }) => (accepting ? 1 : 0)),
    gaugeOf('arus_sync_dead_letters', 'Messages set aside and kept.', ({ queue }) => queue.deadLetters),
    counterOf(
      'arus_sync_dead_lettered_total',
      'Messages set aside because the broker will never take them.',
      ({ statistics }) => statistics.deadLettered,
    ),
    deadLettersDiscarded(),
    counterOf(
      'arus_sync_possible_duplicates_total',
      'Messages delivered after an attempt whose outcome is unknown.',
      ({ statistics }) => statistics.possibleDuplicates,
    ),
    gaugeOf(
      'arus_sync_untold_gaps',
      'Sequence numbers lost for good that the other side does not know of yet.',
      ({ queue }) => queue.untoldGaps,
    ),
    gaugeOf(
      'arus_sync_stores_aside',
      'Damaged stores of the queue that were set aside and lay in its folder at the start.',
      ({ queue }) => queue.storesAside,
    ),
    counterOf(
      'arus_sync_store_messages_missing_total',
      'Accepted messages that were not found in the store, which must be damaged.',
      ({ statistics }) => statistics.messagesMissing,
    ),
    counterOf(
      'arus_sync_connections_total',
      'Connections that the broker accepted.',
      ({ statistics }) => statistics.connections,
    ),
    ...incomingMetrics(),
    degradedReasons(),
    buildInfo(),
  ];
}

function deadLettersDiscarded(): MetricProvider {
  return makeCounterProvider({
    name: 'arus_sync_dead_letters_discarded_total',
    help: 'Dead letters that are gone for good: too_many, or by_hand.',
    labelNames: ['reason'],
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect({ statistics }: SyncStatus) {
      this.reset();
      for (const [reason, count] of Object.entries(statistics.deadLettersDiscarded)) this.inc({ reason }, count);
    },
  }) as MetricProvider;
}

function degradedReasons(): MetricProvider {
  return makeGaugeProvider({
    name: 'arus_sync_degraded_reason',
    help: '1 for each reason for which the service is degraded just now, else 0.',
    labelNames: ['reason'],
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect({ reasons }: SyncStatus) {
      for (const reason of DEGRADED_REASONS) this.set({ reason }, reasons.includes(reason) ? 1 : 0);
    },
  }) as MetricProvider;
}

function buildInfo(): MetricProvider {
  const labels = { version: packageVersion(), node_version: process.version };
  return makeGaugeProvider({
    name: 'arus_sync_build_info',
    help: 'Always 1; the labels say what is running, and for which vessel.',
    labelNames: [...Object.keys(labels), 'vessel_id'],
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect({ vesselId }: SyncStatus) {
      // The queue's memory may win over the configured id once it is open.
      this.reset();
      this.set({ ...labels, vessel_id: vesselId }, 1);
    },
  }) as MetricProvider;
}

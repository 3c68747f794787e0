import { makeCounterProvider } from '@willsoto/nestjs-prometheus';
import { SyncStatus } from '../mqtt-sync/sync-status.js';
import { counterOf, gaugeOf, type MetricProvider, UNREGISTERED } from './metric-providers.js';
import { ZeroSeries } from './zero-series.js';

/**
 * The nine metrics that dashboards know, no more and no fewer. Their values are read from `SyncStatus` at each scrape:
 * nothing is counted here, so the metrics cannot disagree with the health document.
 */
export function arusMqttMetrics(): MetricProvider[] {
  return [
    publishedCounter(),
    counterOf(
      'arus_mqtt_messages_queued_total',
      'Messages that had to wait: accepted while not connected, or put back because their connection died.',
      ({ statistics }) => statistics.messagesQueued,
    ),
    counterOf(
      'arus_mqtt_messages_dropped_total',
      'Messages dropped for want of room in the queue, or purged by hand.',
      ({ statistics }) => statistics.messagesDropped,
    ),
    counterOf(
      'arus_mqtt_publish_failures_total',
      'Rejected publish() calls, refusals by the broker, and attempts that died with their connection.',
      ({ statistics }) => statistics.publishFailures,
    ),
    counterOf(
      'arus_mqtt_reconnection_attempts_total',
      'Connection attempts other than the first of the process.',
      ({ statistics }) => statistics.reconnectionAttempts,
    ),
    counterOf(
      'arus_mqtt_queue_flushes_total',
      'Times that everything queued at a connect has left on that connection.',
      ({ statistics }) => statistics.queueFlushes,
    ),
    gaugeOf(
      'arus_mqtt_queue_depth',
      'Messages accepted and not yet delivered, in flight included, dead letters not.',
      ({ queue }) => queue.messages,
    ),
    gaugeOf(
      'arus_mqtt_queue_utilization_percent',
      'Depth as a percentage of the limit, in messages or bytes, whichever is fuller.',
      ({ utilizationPercent }) => utilizationPercent,
    ),
    gaugeOf('arus_mqtt_connection_status', '1 while the publisher is connected to the broker, else 0.', (status) =>
      status.connected ? 1 : 0,
    ),
  ];
}

function publishedCounter(): MetricProvider {
  return makeCounterProvider({
    name: 'arus_mqtt_messages_published_total',
    help: 'Messages delivered: acknowledged by the broker, or written to the socket at QoS 0.',
    labelNames: ['entity_type', 'operation', 'qos'],
    ...UNREGISTERED,
    inject: [SyncStatus, ZeroSeries],
    collect(status: SyncStatus, zeroSeries: ZeroSeries) {
      this.reset();
      for (const labels of zeroSeries.labels) this.inc(labels, 0);
      for (const { entity, operation, qos, count } of status.statistics.publishedByLabels()) {
        this.inc({ entity_type: entity, operation, qos }, count);
      }
    },
  }) as MetricProvider;
}

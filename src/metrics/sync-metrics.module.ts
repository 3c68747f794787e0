import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { arusMqttMetrics } from './arus-mqtt.metrics.js';
import { arusSyncMetrics } from './arus-sync.metrics.js';
import { Durations } from './durations.js';
import { METRICS_PATH, MetricsController } from './metrics.controller.js';
import type { MetricProvider } from './metric-providers.js';
import { METRICS_CONTROLLER, SharedPathNotice } from './shared-path-notice.js';
import { ZeroSeries } from './zero-series.js';

/** Options of `SyncMetricsModule`. */
export interface SyncMetricsOptions {
  /** The `MqttSyncModule` to measure; not needed when that one is global. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** Metrics of the process (CPU, memory, event loop) beside those of the sync. @default true */
  readonly processMetrics?: boolean;
  /**
   * Where the metrics are. An application that has a `PrometheusModule` of its own needs another path than that one.
   * @default '/metrics'
   */
  readonly path?: string;
}

/**
 * Serves `GET /metrics`, or another path: the nine `arus_mqtt_*`, the `arus_sync_*`, and those of the process.
 *
 * @example
 * imports: [MqttSyncModule.forRoot({ isGlobal: true }), SyncMetricsModule.forRoot()]
 */
@Module({})
export class SyncMetricsModule {
  static forRoot({ imports = [], processMetrics = true, path = METRICS_PATH }: SyncMetricsOptions = {}): DynamicModule {
    const metrics = [...arusMqttMetrics(), ...arusSyncMetrics()];
    // The PrometheusModule writes the path on the class: two modules in one process must not share it.
    const controller = class extends MetricsController {};
    const prometheus = PrometheusModule.register({ controller, path, defaultMetrics: { enabled: false } });
    return {
      module: SyncMetricsModule,
      imports: [
        {
          ...prometheus,
          imports,
          providers: [
            ...(prometheus.providers ?? []),
            ...metrics,
            ZeroSeries,
            Durations,
            { provide: METRICS_CONTROLLER, useValue: controller },
            SharedPathNotice,
            registryOf(metrics, processMetrics),
          ],
          exports: [Registry],
        },
      ],
      exports: [PrometheusModule],
    };
  }
}

/**
 * A registry of its own for each application, made when the application starts: prom-client's global one would make two
 * applications in one process meet, and so would one made together with the module's definition.
 */
function registryOf(metrics: readonly MetricProvider[], processMetrics: boolean): FactoryProvider<Registry> {
  return {
    provide: Registry,
    inject: metrics.map(({ provide }) => provide),
    useFactory(...made: Metric[]) {
      const registry = new Registry();
      for (const metric of made) registry.registerMetric(metric);
      if (processMetrics) collectDefaultMetrics({ register: registry });
      return registry;
    },
  };
}

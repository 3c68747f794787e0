import type { FactoryProvider } from '@nestjs/common';
import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Metric } from 'prom-client';
import { SyncStatus } from '../mqtt-sync/sync-status.js';

/** Provides one metric. */
export type MetricProvider = FactoryProvider<Metric>;

/** Keeps a metric out of prom-client's global registry; the module has one of its own. */
export const UNREGISTERED = { registers: [] };

/** A counter that shows, at each scrape, what is counted elsewhere. */
export function counterOf(name: string, help: string, read: (status: SyncStatus) => number): MetricProvider {
  return makeCounterProvider({
    name,
    help,
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect(status: SyncStatus) {
      // prom-client's counters can only be added to.
      this.reset();
      this.inc(read(status));
    },
  }) as MetricProvider;
}

/** A gauge that is read at each scrape. */
export function gaugeOf(name: string, help: string, read: (status: SyncStatus) => number): MetricProvider {
  return makeGaugeProvider({
    name,
    help,
    ...UNREGISTERED,
    inject: [SyncStatus],
    collect(status: SyncStatus) {
      this.set(read(status));
    },
  }) as MetricProvider;
}

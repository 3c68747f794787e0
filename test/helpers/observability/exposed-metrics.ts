import { Test } from '@nestjs/testing';
import type { Registry } from 'prom-client';
import { Registry as RegistryToken } from 'prom-client';
import { SyncMetricsModule } from '../../../src/metrics/sync-metrics.module.js';
import { FakeSync, FakeSyncModule } from '../fake-sync.js';

/** Made by Prometheus itself for every target and every alert. */
const OF_PROMETHEUS = ['up', 'ALERTS'];

/** Names of the series that the service shows on `/metrics`, and those that Prometheus adds. */
export async function exposedMetrics(): Promise<Set<string>> {
  const imports = [FakeSyncModule.of(new FakeSync()), SyncMetricsModule.forRoot()];
  const moduleRef = await Test.createTestingModule({ imports }).compile();
  try {
    const registry = moduleRef.get<Registry>(RegistryToken, { strict: false });
    return new Set([...OF_PROMETHEUS, ...seriesNames(await registry.metrics())]);
  } finally {
    await moduleRef.close();
  }
}

function seriesNames(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
  );
}

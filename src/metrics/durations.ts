import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Histogram } from 'prom-client';
import { SyncEvents, type SyncEventMap } from '../mqtt-sync/sync-events.js';

/** Name of the histogram of delivery latencies. */
export const DELIVERY_LATENCY = 'arus_sync_delivery_latency_seconds';
/** Name of the histogram of commit times. */
export const STORE_COMMIT = 'arus_sync_store_commit_seconds';

/** Feeds the histograms. */
@Injectable()
export class Durations implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @InjectMetric(DELIVERY_LATENCY) private readonly latency: Histogram,
    @InjectMetric(STORE_COMMIT) private readonly commit: Histogram,
    private readonly events: SyncEvents,
  ) {}

  onModuleInit(): void {
    this.events.on('message_published', this.published).on('store_committed', this.committed);
  }

  /** Not earlier: what is delivered while stopping counts too. */
  onApplicationShutdown(): void {
    this.events.off('message_published', this.published).off('store_committed', this.committed);
  }

  private readonly published = ({ latencyMs }: SyncEventMap['message_published']): void => {
    // The wall clock may have been set back since the acceptance.
    this.latency.observe(Math.max(0, latencyMs) / 1000);
  };

  private readonly committed = ({ durationMs }: SyncEventMap['store_committed']): void => {
    this.commit.observe(durationMs / 1000);
  };
}

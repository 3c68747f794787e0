import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Histogram } from 'prom-client';
import { SyncEvents, type SyncEventMap } from '../mqtt-sync/sync-events.js';

/** Name of the histogram of delivery latencies. */
export const DELIVERY_LATENCY = 'arus_sync_delivery_latency_seconds';

/** Feeds the histogram of delivery latencies. */
@Injectable()
export class DeliveryLatency implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @InjectMetric(DELIVERY_LATENCY) private readonly histogram: Histogram,
    private readonly events: SyncEvents,
  ) {}

  onModuleInit(): void {
    this.events.on('message_published', this.observe);
  }

  /** Not earlier: what is delivered while stopping counts too. */
  onApplicationShutdown(): void {
    this.events.off('message_published', this.observe);
  }

  private readonly observe = ({ latencyMs }: SyncEventMap['message_published']): void => {
    // The wall clock may have been set back since the acceptance.
    this.histogram.observe(Math.max(0, latencyMs) / 1000);
  };
}

import { Injectable, Optional } from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { SyncStatus } from '../mqtt-sync/sync-status.js';

/**
 * Terminus indicator of the sync. It is `down` only when changes cannot be accepted: a missing broker is what the queue
 * is for, and no reason to take an application out of service. `sync` tells healthy from degraded.
 *
 * @example
 * health.check([() => mqttSync.isHealthy('mqttSync')])
 */
@Injectable()
export class MqttSyncHealthIndicator {
  constructor(
    private readonly sync: SyncStatus,
    // It keeps no state of Terminus that matters here, so an application without the TerminusModule can have its own.
    @Optional() private readonly indicators: HealthIndicatorService = new HealthIndicatorService(),
  ) {}

  isHealthy<Key extends string = 'mqttSync'>(key: Key = 'mqttSync' as Key): HealthIndicatorResult<Key> {
    const { accepting, unavailableReason } = this.sync;
    const session = this.indicators.check(key);
    return accepting ? session.up(this.numbers()) : session.down({ ...this.numbers(), reason: unavailableReason });
  }

  private numbers() {
    const { status, reasons, connected, queue, inFlight, oldestUndeliveredAgeMs } = this.sync;
    return {
      sync: status,
      reasons,
      connected,
      queuedMessages: queue.messages,
      maxQueueSize: queue.maxMessages,
      inFlight,
      oldestUndeliveredAgeMs: oldestUndeliveredAgeMs ?? 0,
      deadLetters: queue.deadLetters,
    };
  }
}

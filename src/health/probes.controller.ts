import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { MqttSyncHealthIndicator } from './mqtt-sync.health.js';

/** Probes for whoever runs the container. */
@Controller('health')
export class ProbesController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly mqttSync: MqttSyncHealthIndicator,
  ) {}

  /** The process works: it can answer. */
  @Get('live')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  /** Changes can be accepted; 503 when they cannot, and from the moment the process stops. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.mqttSync.isHealthy()]);
  }
}

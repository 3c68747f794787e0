import { Controller, Get, Header } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { MqttSyncHealthIndicator } from './mqtt-sync.health.js';

/** Probes for whoever runs the container. */
@Controller('health')
export class ProbesController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly mqttSync: MqttSyncHealthIndicator,
  ) {}

  /** The process works: it can answer, also while it stops, when Terminus answers every check with 503. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): HealthCheckResult {
    return { status: 'ok', info: {}, error: {}, details: {} };
  }

  /** Changes can be accepted; 503 when they cannot, and from the moment the process stops. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.mqttSync.isHealthy()]);
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SyncHealthModule } from '../health/sync-health.module.js';
import { SyncMetricsModule } from '../metrics/sync-metrics.module.js';
import { MqttSyncModule } from '../mqtt-sync/mqtt-sync.module.js';
import { type MqttSyncOptions } from '../mqtt-sync/mqtt-sync.options.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ChangesController } from './ingress/changes.controller.js';
import { IngressToken } from './ingress/ingress-token.js';
import { SyncChangeController } from './ingress/sync-change.controller.js';
import { SERVICE_SETTINGS, type ServiceSettings } from './service-settings.js';

/** The stand-alone service. */
@Module({})
export class AppModule {
  static forRoot(options: MqttSyncOptions, settings: ServiceSettings): DynamicModule {
    return {
      module: AppModule,
      imports: [
        MqttSyncModule.forRoot({ ...options, isGlobal: true }),
        SyncMetricsModule.forRoot(),
        SyncHealthModule.forRoot({ rateLimit: settings.healthRateLimit }),
      ],
      controllers: [ChangesController, SyncChangeController],
      providers: [
        { provide: SERVICE_SETTINGS, useValue: settings },
        { provide: APP_FILTER, useClass: ProblemFilter },
        IngressToken,
      ],
    };
  }
}

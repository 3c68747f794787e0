import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SyncHealthModule } from '../health/sync-health.module.js';
import { SyncMetricsModule } from '../metrics/sync-metrics.module.js';
import { MqttSyncModule } from '../mqtt-sync/mqtt-sync.module.js';
import type { MqttSyncOptions } from '../mqtt-sync/mqtt-sync.options.js';
import { CatchUpModule } from './catch-up/catch-up.module.js';
import { DeadLettersModule } from './dead-letters/dead-letters.module.js';
import { ProblemFilter } from './http/problem.filter.js';
import { IngressModule } from './ingress/ingress.module.js';
import { OperatorModule } from './operator/operator.module.js';
import { MessagesModule } from './queue/messages.module.js';
import type { ServiceSettings } from './service-settings.js';

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
        IngressModule.forRoot(settings),
        DeadLettersModule.forRoot(settings),
        MessagesModule.forRoot(settings),
        CatchUpModule.forRoot(settings),
        OperatorModule,
      ],
      providers: [{ provide: APP_FILTER, useClass: ProblemFilter }],
    };
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { ChangesController } from './changes.controller.js';
import { IngressToken } from './ingress-token.js';
import { SyncChangeController } from './sync-change.controller.js';

/** Where changes come in, over HTTP and TCP, and who may bring them. Needs a global `MqttSyncModule`. */
@Module({})
export class IngressModule {
  static forRoot(settings: ServiceSettings): DynamicModule {
    return {
      module: IngressModule,
      controllers: [ChangesController, SyncChangeController],
      providers: [{ provide: SERVICE_SETTINGS, useValue: settings }, IngressToken],
    };
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { IngressToken } from '../ingress/ingress-token.js';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { CatchUpController } from './catch-up.controller.js';

/** Requests for catch-up over HTTP, for whoever may post. Needs a global `MqttSyncModule`. */
@Module({})
export class CatchUpModule {
  static forRoot(settings: ServiceSettings): DynamicModule {
    return {
      module: CatchUpModule,
      controllers: [CatchUpController],
      providers: [{ provide: SERVICE_SETTINGS, useValue: settings }, IngressToken],
    };
  }
}

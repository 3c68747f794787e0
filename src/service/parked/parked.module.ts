import { type DynamicModule, Module } from '@nestjs/common';
import { IngressToken } from '../ingress/ingress-token.js';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { ParkedController } from './parked.controller.js';

/** The parked messages over HTTP, for whoever may post. Needs a global `MqttSyncModule`. */
@Module({})
export class ParkedModule {
  static forRoot(settings: ServiceSettings): DynamicModule {
    return {
      module: ParkedModule,
      controllers: [ParkedController],
      providers: [{ provide: SERVICE_SETTINGS, useValue: settings }, IngressToken],
    };
  }
}

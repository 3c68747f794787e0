import { type DynamicModule, Module } from '@nestjs/common';
import { IngressToken } from '../ingress/ingress-token.js';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { DeadLettersController } from './dead-letters.controller.js';

/** The dead letters over HTTP, for whoever may post. Needs a global `MqttSyncModule`. */
@Module({})
export class DeadLettersModule {
  static forRoot(settings: ServiceSettings): DynamicModule {
    return {
      module: DeadLettersModule,
      controllers: [DeadLettersController],
      providers: [{ provide: SERVICE_SETTINGS, useValue: settings }, IngressToken],
    };
  }
}

import { type DynamicModule, Module } from '@nestjs/common';
import { IngressToken } from '../ingress/ingress-token.js';
import { SERVICE_SETTINGS, type ServiceSettings } from '../service-settings.js';
import { MessagesController } from './messages.controller.js';

/** The messages of the queue over HTTP, for whoever may post. Needs a global `MqttSyncModule`. */
@Module({})
export class MessagesModule {
  static forRoot(settings: ServiceSettings): DynamicModule {
    return {
      module: MessagesModule,
      controllers: [MessagesController],
      providers: [{ provide: SERVICE_SETTINGS, useValue: settings }, IngressToken],
    };
  }
}

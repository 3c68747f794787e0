import {
  type ClassProvider,
  ConfigurableModuleBuilder,
  type ExistingProvider,
  type FactoryProvider,
  type Provider,
  type ValueProvider,
} from '@nestjs/common';
import type { MqttSyncOptions } from './mqtt-sync.options.js';

/** How the application provides something of its own; the token is the library's. */
export type OwnProvider =
  | Omit<ClassProvider, 'provide'>
  | Omit<ExistingProvider, 'provide'>
  | Omit<FactoryProvider, 'provide'>
  | Omit<ValueProvider, 'provide'>;

/** Injects the application's own inbox, if it brings one. */
export const MQTT_SYNC_INBOX = Symbol('MQTT_SYNC_INBOX');

/** What may be said beside the options. */
export interface MqttSyncModuleExtras {
  /** Makes the providers available everywhere without importing the module again. @default false */
  isGlobal?: boolean;
  /**
   * An `Inbox` of the application's own, e.g. in a database that several instances share.
   * @default the one that the options describe
   */
  inboxProvider?: OwnProvider;
}

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: MQTT_SYNC_RAW_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<MqttSyncOptions>({ moduleName: 'MqttSync' })
  .setClassMethodName('forRoot')
  .setExtras<MqttSyncModuleExtras>({ isGlobal: false }, (definition, { isGlobal = false, inboxProvider }) => ({
    ...definition,
    global: isGlobal,
    providers: [
      ...(definition.providers ?? []),
      ...(inboxProvider ? [{ ...inboxProvider, provide: MQTT_SYNC_INBOX } as Provider] : []),
    ],
  }))
  .build();

/** Injects the checked options, with every default filled in. */
export const MQTT_SYNC_OPTIONS = Symbol('MQTT_SYNC_OPTIONS');

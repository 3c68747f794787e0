import { ConfigurableModuleBuilder } from '@nestjs/common';
import { type MqttSyncOptions } from './mqtt-sync.options.js';

/** What may be said beside the options. */
export interface MqttSyncModuleExtras {
  /** Makes the providers available everywhere without importing the module again. @default false */
  isGlobal?: boolean;
}

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: MQTT_SYNC_RAW_OPTIONS,
  OPTIONS_TYPE,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<MqttSyncOptions>({ moduleName: 'MqttSync' })
  .setClassMethodName('forRoot')
  .setExtras<MqttSyncModuleExtras>({ isGlobal: false }, (definition, { isGlobal = false }) => ({
    ...definition,
    global: isGlobal,
  }))
  .build();

/** Injects the checked options, with every default filled in. */
export const MQTT_SYNC_OPTIONS = Symbol('MQTT_SYNC_OPTIONS');

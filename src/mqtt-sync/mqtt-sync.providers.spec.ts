import type { FactoryProvider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, it } from 'vitest';
import { OptionsError } from './errors.js';
import { MqttSyncModule } from './mqtt-sync.module.js';
import { MQTT_SYNC_OPTIONS } from './mqtt-sync.module-definition.js';
import type { MqttSyncOptions } from './mqtt-sync.options.js';
import { mqttSyncProviders } from './mqtt-sync.providers.js';
import { resolveOptions } from './resolve-options.js';

it.each([
  ['returns nothing', () => undefined],
  ['resolves with nothing', () => Promise.resolve(undefined)],
])('does not start with an options factory that %s: the application would run on the defaults', async (_what, make) => {
  const useFactory = make as unknown as () => MqttSyncOptions;
  const module = Test.createTestingModule({ imports: [MqttSyncModule.forRootAsync({ useFactory })] });
  const failure: unknown = await module.compile().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(OptionsError);
  expect(failure).toMatchObject({
    code: 'OPTIONS_INVALID',
    message: expect.stringMatching(/options: are undefined/) as string,
  });
});

it('takes empty options for the defaults', () => {
  const isOptions = (provider: unknown): provider is FactoryProvider =>
    (provider as FactoryProvider).provide === MQTT_SYNC_OPTIONS;
  expect(mqttSyncProviders.find(isOptions)?.useFactory({})).toEqual(resolveOptions({}));
});

import { join } from 'node:path';
import { Controller, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { MqttSyncModule } from '../../../src/mqtt-sync/mqtt-sync.module.js';
import { MQTT_SYNC, MqttSyncServer } from '../../../src/mqtt-sync/subscriber/mqtt-sync.server.js';
import { LOAD } from '../payload.js';
import type { ReceivingOptions, Work } from './receiving-station.js';

/** Our transport strategy, with its inbox on disk. */
export async function startSyncReceiver(
  { brokerUrl, dir }: ReceivingOptions,
  work: Work,
): Promise<INestApplicationContext> {
  @Controller()
  class Changes {
    @EventPattern<string>(LOAD, MQTT_SYNC)
    change(@Payload() data: { id?: string }): Promise<void> {
      return work(data);
    }
  }
  const queue = { store: 'memory' as const };
  const inbox = { dir: join(dir, 'inbox') };
  @Module({
    imports: [MqttSyncModule.forRoot({ brokerUrl, vesselId: 'shore', queue, inbox, isGlobal: true })],
    controllers: [Changes],
  })
  class SyncModule {}
  const app = await NestFactory.create(SyncModule, { logger: ['error'] });
  app.connectMicroservice({ strategy: app.get(MqttSyncServer) });
  await app.startAllMicroservices();
  await app.init();
  return app;
}

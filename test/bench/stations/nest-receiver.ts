import { Controller, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import { LOAD, topicOf } from '../payload.js';
import { type ReceivingOptions, RECEIVING_SESSIONS, type Work } from './receiving-station.js';

/** Nest's own MQTT transport, which acknowledges before the handler. */
export async function startNestReceiver({ brokerUrl }: ReceivingOptions, work: Work): Promise<INestApplicationContext> {
  @Controller()
  class Changes {
    @EventPattern(topicOf(LOAD), Transport.MQTT)
    message(@Payload() data: { id?: string }): Promise<void> {
      return work(data);
    }
  }
  @Module({ controllers: [Changes] })
  class PlainModule {}
  const session = RECEIVING_SESSIONS['nest-mqtt'];
  const options = { url: brokerUrl, ...session, clean: false, subscribeOptions: { qos: 1 } } as const;
  const app = await NestFactory.createMicroservice(PlainModule, {
    ...{ transport: Transport.MQTT, options, logger: ['error'] },
  });
  await app.listen();
  return app;
}

// A Nest application that receives, in a process of its own: with our transport strategy, or with Nest's own MQTT transport.
import 'reflect-metadata';
import { join } from 'node:path';
import { Controller, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import { MqttSyncModule } from '../../../src/mqtt-sync/mqtt-sync.module.js';
import { MQTT_SYNC, MqttSyncServer } from '../../../src/mqtt-sync/subscriber/mqtt-sync.server.js';
import { nowMs } from '../clock.js';
import { LOAD, topicOf } from '../payload.js';
import { serve } from '../rig/rpc.js';
import {
  RECEIVING_SESSIONS,
  type ReceivingCalls,
  type ReceivingOptions,
  type ReceivingResult,
} from './receiving-station.js';

let handled = 0;
let reached: { readonly at: number; readonly tell: () => void }[] = [];

/** The same work for both: it looks at the data, and is asynchronous as handlers are. */
function work(data: { readonly id?: string }): Promise<void> {
  if (data.id === undefined) throw new Error('not the data that was sent');
  handled++;
  for (const { at, tell } of reached) if (at === handled) tell();
  return Promise.resolve();
}

@Controller()
class Changes {
  @EventPattern<string>(LOAD, MQTT_SYNC)
  change(@Payload() data: { id?: string }): Promise<void> {
    return work(data);
  }

  @EventPattern(topicOf(LOAD), Transport.MQTT)
  message(@Payload() data: { id?: string }): Promise<void> {
    return work(data);
  }
}

async function start({ contender, brokerUrl, dir }: ReceivingOptions): Promise<INestApplicationContext> {
  if (contender === 'nest-mqtt') {
    @Module({ controllers: [Changes] })
    class PlainModule {}
    const options = { url: brokerUrl, ...RECEIVING_SESSIONS[contender], clean: false, subscribeOptions: { qos: 1 } };
    const app = await NestFactory.createMicroservice(PlainModule, {
      ...{ transport: Transport.MQTT, options, logger: ['error'] },
    });
    await app.listen();
    return app;
  }
  const queue = { store: 'memory' as const };
  @Module({
    imports: [
      MqttSyncModule.forRoot({
        brokerUrl,
        vesselId: 'shore',
        queue,
        inbox: { dir: join(dir, 'inbox') },
        isGlobal: true,
      }),
    ],
    controllers: [Changes],
  })
  class SyncModule {}
  const app = await NestFactory.create(SyncModule, { logger: ['error'] });
  app.connectMicroservice({ strategy: app.get(MqttSyncServer) });
  await app.startAllMicroservices();
  await app.init();
  return app;
}

let app: INestApplicationContext | undefined;

async function receive(params: Parameters<ReceivingCalls['receive']>[0]): Promise<ReceivingResult> {
  const { warmUp, count } = params;
  let [beganMs, beganCpu] = [0, process.cpuUsage()];
  const over = new Promise<ReceivingResult>((resolve) => {
    const begin = () => ([beganMs, beganCpu] = [nowMs(), process.cpuUsage()]);
    const end = () => {
      const { user, system } = process.cpuUsage(beganCpu);
      resolve({ elapsedMs: nowMs() - beganMs, cpuMs: (user + system) / 1000 });
    };
    reached = [
      { at: warmUp, tell: begin },
      { at: warmUp + count, tell: end },
    ];
  });
  app = await start(params);
  return over;
}

serve<ReceivingCalls>({
  receive,
  close: async () => {
    await app?.close();
    // After the answer is out.
    setImmediate(() => process.exit(0));
  },
});

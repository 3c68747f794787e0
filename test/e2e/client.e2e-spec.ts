import { Controller, Inject, Injectable, Module, Param, Post, type OnApplicationBootstrap } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxy, ClientsModule } from '@nestjs/microservices';
import { lastValueFrom, type Observable } from 'rxjs';
import request from 'supertest';
import { expect, it, onTestFinished } from 'vitest';
import { MqttSyncClient } from '../../src/mqtt-sync/client/mqtt-sync-client.js';
import { RequestNotSupportedError } from '../../src/mqtt-sync/errors.js';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import { SyncPublisher } from '../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { Shore } from '../helpers/shore.js';
import { queueFolder } from '../helpers/sync-application.js';

// Code as it was written for Nest's own MQTT client: it knows nothing of this library.
@Injectable()
class WorkOrders implements OnApplicationBootstrap {
  constructor(@Inject('SHORE') private readonly client: ClientProxy) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.client.connect();
  }

  close(id: string): Observable<unknown> {
    return this.client.emit('work_orders', { id, status: 'closed' });
  }

  ask(id: string): Observable<unknown> {
    return this.client.send('work_orders', { id });
  }
}

@Controller('work-orders')
class WorkOrdersController {
  constructor(private readonly orders: WorkOrders) {}

  @Post(':id/close')
  close(@Param('id') id: string): Observable<unknown> {
    return this.orders.close(id);
  }
}

/** The application; all that is new in it is the registration of its client. */
function applicationModule(brokerUrl: string, dir: string): new () => unknown {
  @Module({
    imports: [
      MqttSyncModule.forRoot({ brokerUrl, vesselId: 'mv-test', queue: { dir }, isGlobal: true }),
      ClientsModule.registerAsync([
        {
          name: 'SHORE',
          inject: [SyncPublisher, SyncEvents],
          useFactory: (publisher: SyncPublisher, events: SyncEvents) => ({
            customClass: MqttSyncClient,
            options: { publisher, events },
          }),
        },
      ]),
    ],
    controllers: [WorkOrdersController],
    providers: [WorkOrders],
  })
  class ApplicationModule {}
  return ApplicationModule;
}

describeWithMosquitto('An application that used the MQTT client of Nest', () => {
  it('emits into the queue while there is no broker, and all of it arrives after a restart', async () => {
    const port = await freePort();
    const dir = queueFolder();
    const offline = await NestFactory.create(applicationModule(`mqtt://127.0.0.1:${port}`, dir), { logger: false });
    await offline.listen(0, '127.0.0.1');
    const http = request(offline.getHttpServer() as Parameters<typeof request>[0]);
    expect((await http.post('/work-orders/WO-1/close')).body).toMatchObject({
      sequence: 1,
      durable: true,
      waiting: true,
    });
    // Nobody subscribes, as much code does.
    offline.get(WorkOrders).close('WO-2');
    await expect(lastValueFrom(offline.get(WorkOrders).ask('WO-1'))).rejects.toThrow(RequestNotSupportedError);
    await offline.close();

    const broker = await Mosquitto.start({ port });
    const shore = await Shore.listen(broker.url);
    // Without HTTP, as a worker would run.
    const online = await NestFactory.createApplicationContext(applicationModule(broker.url, dir), { logger: false });
    onTestFinished(() => online.close());
    await lastValueFrom(online.get(WorkOrders).close('WO-3'));
    await shore.has(3);
    expect(shore.changes.map(({ key, sequence, operation }) => [key, sequence, operation])).toEqual([
      ['WO-1', 1, 'update'],
      ['WO-2', 2, 'update'],
      ['WO-3', 3, 'update'],
    ]);
  });
});

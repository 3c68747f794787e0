import 'reflect-metadata';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule } from '../../../src/mqtt-sync/mqtt-sync.module.js';
import { SyncPublisher } from '../../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { SyncEvents } from '../../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../../src/mqtt-sync/sync-status.js';
import { nowMs } from '../clock.js';
import { WINDOW } from '../contenders.js';
import { changeData, keyOf, VESSEL_ID } from '../payload.js';
import type { AlertTimes, Station, StationOptions } from './station.js';

/**
 * While the broker takes messages, callers wait when so many are not delivered: a window on its way and two commits. A
 * load that is steady, and not a growing backlog; MQTT.js' callback does the same for its window.
 */
const MOST_UNDELIVERED = 3 * WINDOW;

/** Callers that publish at the same time, each waiting for its own message to be accepted. */
const CALLERS = 1000;

/** Changes of one commit when a large backlog is gathered. */
const BATCH = 1000;

/** Our own publisher, as a Nest application uses it. */
export class SyncStation implements Station {
  delivered = 0;
  private called = 0;
  private readonly waiting: (() => void)[] = [];
  private application: INestApplicationContext | undefined;

  constructor(private readonly options: StationOptions) {}

  async open(): Promise<void> {
    const { brokerUrl, contender, dir, reconnectMaxS, queueLimit } = this.options;
    const queue = {
      store: contender === 'memory' ? ('memory' as const) : ('disk' as const),
      dir,
      ...(queueLimit !== undefined && { maxMessages: queueLimit, maxBytes: 1e12 }),
    };
    @Module({ imports: [MqttSyncModule.forRoot({ brokerUrl, vesselId: VESSEL_ID, queue, reconnectMaxS })] })
    class StationModule {}
    this.application = await NestFactory.createApplicationContext(StationModule, { logger: ['error'] });
    this.application.get(SyncEvents).on('message_published', () => {
      this.delivered++;
      this.waiting.shift()?.();
    });
  }

  isConnected(): boolean {
    return this.app.get(SyncStatus).connected;
  }

  async publish(entity: string, first: number, count: number): Promise<void> {
    const publisher = this.app.get(SyncPublisher);
    let next = first;
    const call = async (): Promise<void> => {
      while (next < first + count) {
        const number = next++;
        if (++this.called - this.delivered > MOST_UNDELIVERED && this.isConnected()) await this.turn();
        await publisher.publish(entity, 'update', changeData(number), { key: keyOf(number), retain: false });
      }
    };
    await Promise.all(Array.from({ length: Math.min(CALLERS, count) }, call));
  }

  async gather(entity: string, count: number): Promise<void> {
    const publisher = this.app.get(SyncPublisher);
    for (let first = 0; first < count; first += BATCH) {
      const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, at) => first + at);
      await publisher.publishMany(
        numbers.map((number) => ({
          entity,
          operation: 'update',
          data: changeData(number),
          key: keyOf(number),
          retain: false,
        })),
      );
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async alert(number: number, qos: 1 | 2): Promise<AlertTimes> {
    const calledMs = nowMs();
    const receipt = await this.app.get(SyncPublisher).publish('alerts', 'create', changeData(number), { qos });
    const acceptedMs = nowMs();
    await receipt.delivered();
    return { calledMs, acceptedMs, acknowledgedMs: nowMs() };
  }

  async close(): Promise<void> {
    await this.application?.close();
  }

  private get app(): INestApplicationContext {
    if (!this.application) throw new Error('the station is not open');
    return this.application;
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplicationContext, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished } from 'vitest';
import type { CatchUpFeature } from '../../src/mqtt-sync/catch-up-feature.module.js';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { SyncPublisher } from '../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { SyncEvents } from '../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import type { Mosquitto } from './mosquitto.js';
import { TcpProxy } from './tcp-proxy.js';
import { until } from './wait.js';

/** A folder for a queue, removed at the end of the test. */
export function queueFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sync-queue-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A Nest application whose only content is the module, as a user's application would import it. */
export class SyncApplication {
  private closed: Promise<void> | undefined;

  private constructor(private readonly context: INestApplicationContext) {}

  /** Starts the application, with catch-up sources if need be; it is closed at the end of the test. */
  static async start(options: MqttSyncOptions, features: readonly CatchUpFeature[] = []): Promise<SyncApplication> {
    @Module({
      imports: [
        MqttSyncModule.forRoot({ vesselId: 'mv-test', isGlobal: true, ...options }),
        MqttSyncModule.forFeature(features),
      ],
    })
    class ApplicationModule {}
    Logger.overrideLogger(false);
    const application = new SyncApplication(
      await NestFactory.createApplicationContext(ApplicationModule, { logger: false, abortOnError: false }),
    );
    onTestFinished(() => application.close());
    return application;
  }

  get publisher(): SyncPublisher {
    return this.context.get(SyncPublisher);
  }

  get queue(): SyncQueue {
    return this.context.get(SyncQueue);
  }

  get events(): SyncEvents {
    return this.context.get(SyncEvents);
  }

  get status(): SyncStatus {
    return this.context.get(SyncStatus);
  }

  async connected(): Promise<void> {
    await until(() => this.status.connected, { what: 'the publisher to connect' });
  }

  async drained(deadlineMs = 20_000): Promise<void> {
    await until(() => this.status.queue.messages === 0, {
      deadlineMs,
      what: () => `the queue to drain; it holds ${this.status.queue.messages}`,
    });
  }

  /** Stops it as a SIGTERM would. */
  close(): Promise<void> {
    this.closed ??= this.context.close();
    return this.closed;
  }
}

/** An application with a queue on disk, and the link to its broker, which a test can cut. */
export async function startBehindLink(
  broker: Pick<Mosquitto, 'port'>,
): Promise<{ link: TcpProxy; application: SyncApplication }> {
  const link = await TcpProxy.start(broker.port);
  const options = { brokerUrl: link.url, reconnectMaxS: 1, queue: { dir: queueFolder() } };
  return { link, application: await SyncApplication.start(options) };
}

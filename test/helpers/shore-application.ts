import { type INestApplication, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished } from 'vitest';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import type { MqttSyncOptions } from '../../src/mqtt-sync/mqtt-sync.options.js';
import { AutomaticCatchUp } from '../../src/mqtt-sync/subscriber/catch-up/automatic-catch-up.js';
import { CatchUp } from '../../src/mqtt-sync/subscriber/catch-up/catch-up.js';
import { Inbox } from '../../src/mqtt-sync/subscriber/inbox/inbox.js';
import { MqttSyncServer } from '../../src/mqtt-sync/subscriber/mqtt-sync.server.js';
import { SyncSubscriber } from '../../src/mqtt-sync/subscriber/sync-subscriber.service.js';
import { SyncEvents, type SyncEventMap } from '../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import { queueFolder } from './sync-application.js';
import { until } from './wait.js';

/** A Nest application that receives changes, as a user's application would: controllers over the transport strategy. */
export class ShoreApplication {
  private closed: Promise<void> | undefined;

  private constructor(
    private readonly app: INestApplication,
    private readonly hasControllers: boolean,
  ) {}

  /** Starts an application with these controllers; it is closed at the end of the test. */
  static async start(options: MqttSyncOptions, controllers: readonly Type[] = []): Promise<ShoreApplication> {
    const shore = await ShoreApplication.create(options, controllers);
    await shore.receive();
    return shore;
  }

  /** The same, up to where a user's `main.ts` would start it. */
  static async create(options: MqttSyncOptions, controllers: readonly Type[] = []): Promise<ShoreApplication> {
    const sync = MqttSyncModule.forRoot({
      vesselId: 'shore',
      queue: { store: 'memory' },
      inbox: { dir: queueFolder() },
      ...options,
      isGlobal: true,
    });
    @Module({ imports: [sync], controllers: [...controllers] })
    class ApplicationModule {}
    Logger.overrideLogger(false);
    const app = await NestFactory.create(ApplicationModule, { logger: false, abortOnError: false });
    const shore = new ShoreApplication(app, controllers.length > 0);
    onTestFinished(() => shore.close());
    return shore;
  }

  /** Connects the strategy and starts. */
  async receive(): Promise<void> {
    if (this.hasControllers) this.app.connectMicroservice({ strategy: this.app.get(MqttSyncServer) });
    await this.app.startAllMicroservices();
    await this.app.init();
  }

  get subscriber(): SyncSubscriber {
    return this.app.get(SyncSubscriber);
  }

  get status(): SyncStatus {
    return this.app.get(SyncStatus);
  }

  get catchUp(): CatchUp {
    return this.app.get(CatchUp);
  }

  get automaticCatchUp(): AutomaticCatchUp {
    return this.app.get(AutomaticCatchUp);
  }

  get inbox(): Inbox {
    return this.app.get(Inbox);
  }

  get events(): SyncEvents {
    return this.app.get(SyncEvents);
  }

  /** Waits until the broker has granted a number of subscriptions: two for each entity type, and that to gaps. */
  async subscribed(count = 2): Promise<void> {
    await until(() => this.status.activeSubscriptions >= count, {
      deadlineMs: 30_000,
      what: () =>
        `${count} subscriptions; there are ${this.status.activeSubscriptions}, refused ` +
        JSON.stringify(this.status.receiver.refusedSubscriptions),
    });
  }

  /** Records the events of a name, from now on. */
  recorded<Name extends keyof SyncEventMap>(name: Name): readonly SyncEventMap[Name][] {
    const events: SyncEventMap[Name][] = [];
    this.events.on(name, (event) => events.push(event));
    return events;
  }

  /** Stops it as a SIGTERM would. */
  close(): Promise<void> {
    this.closed ??= this.app.close();
    return this.closed;
  }
}

import { Module, type OnApplicationBootstrap, type OnModuleDestroy, type OnApplicationShutdown } from '@nestjs/common';
import { FlowHistory } from './flow-history.js';
import { LiveStream } from './live-stream.js';
import { LossHistory } from './loss-history.js';
import { OperatorController } from './operator.controller.js';
import { operatorProviders } from './operator.providers.js';
import { OutageHistory } from './outage-history.js';
import { PageController, RootController } from './page.controller.js';
import { PageFiles } from './page-files.js';

/** What operators look at: the page at `/ui`, the queue, and live events. Needs a global `MqttSyncModule`. */
@Module({
  controllers: [OperatorController, PageController, RootController],
  providers: [...operatorProviders, { provide: PageFiles, useFactory: () => PageFiles.read() }],
})
export class OperatorModule implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private remembered: Promise<unknown> | undefined;

  constructor(
    private readonly flow: FlowHistory,
    private readonly outages: OutageHistory,
    private readonly losses: LossHistory,
    private readonly live: LiveStream,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.flow.start();
    await Promise.all([this.outages.load(), this.losses.load()]);
  }

  /** First of all, so that nobody's open page holds up the stop; nor do the files, which are waited for at the end. */
  onModuleDestroy(): void {
    this.live.close();
    this.flow.stop();
    this.remembered = Promise.all([this.outages.stop(), this.losses.stop()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.remembered;
  }
}

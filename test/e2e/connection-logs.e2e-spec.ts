import { type LoggerService, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it, onTestFinished } from 'vitest';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import { SyncSubscriber } from '../../src/mqtt-sync/subscriber/sync-subscriber.service.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

/** Keeps the lines that match, with their category in front. */
function recordLines(pattern: RegExp): { readonly logger: LoggerService; readonly lines: string[] } {
  const lines: string[] = [];
  const take = (message: unknown, ...rest: unknown[]): void => {
    const line = `${String(rest.at(-1))}: ${String(message)}`;
    if (pattern.test(line)) lines.push(line);
  };
  onTestFinished(() => void Logger.overrideLogger(false));
  return { logger: { log: take, warn: take, error: take, debug: take }, lines };
}

describeWithMosquitto('The log of a module that publishes and receives', () => {
  it('tells the two connections apart by their categories', async () => {
    const broker = await Mosquitto.start();
    const { logger, lines } = recordLines(/: Connect/);
    const options = { brokerUrl: broker.url, vesselId: 'mv-test', queue: { dir: queueFolder() } };
    const context = await NestFactory.createApplicationContext(MqttSyncModule.forRoot(options), { logger });
    onTestFinished(() => context.close());
    context.get(SyncSubscriber).subscribe('crew', () => {});
    const status = context.get(SyncStatus);
    await until(() => status.connected && status.receiver.isConnected, { what: 'both connections' });
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^MqttSync\.connection\.receiver: Connected to /),
      expect.stringMatching(/^MqttSync\.connection\.receiver: Connecting to .* as arus_sync_mv-test_in,/),
      expect.stringMatching(/^MqttSync\.connection: Connected to /),
      expect.stringMatching(/^MqttSync\.connection: Connecting to .* as arus_sync_mv-test,/),
    ]);
  });
});

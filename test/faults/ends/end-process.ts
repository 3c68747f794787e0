// A Nest application that publishes and receives, and writes down what was accepted and what its handlers did; run as a process, to
// be killed. It publishes when "go" comes in, and writes down how it stands when "report" does.
import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule } from '../../../src/mqtt-sync/mqtt-sync.module.js';
import { SyncPublisher } from '../../../src/mqtt-sync/publisher/sync-publisher.service.js';
import type { MqttSyncContext } from '../../../src/mqtt-sync/subscriber/mqtt-sync-context.js';
import { SyncSubscriber } from '../../../src/mqtt-sync/subscriber/sync-subscriber.service.js';
import { SyncEvents } from '../../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../../src/mqtt-sync/sync-status.js';
import { fingerprint } from '../oracle/fingerprint.js';
import { changeOf } from '../ship/changes.js';
import { CALLS_PER_LIFE, type EndOrders } from './end-orders.js';

const orders = JSON.parse(process.argv[2]!) as EndOrders;
const log = openSync(orders.log, 'a');

function say(line: string): void {
  writeSync(log, `${line}\n`);
}

/** The effect of a handler, after work that takes a while for some. */
async function handle(data: unknown, context: MqttSyncContext): Promise<void> {
  const { messageId, vesselId, epoch, sequence, entity, key, operation } = context;
  if (sequence! % 3 === 0) await sleep(Math.random() * 4);
  say(`effect ${JSON.stringify({ messageId, vesselId, epoch, sequence, entity, key, operation, data })}`);
}

async function publish(publisher: SyncPublisher): Promise<void> {
  const { life, messages, keys, burst, options } = orders;
  for (let call = 0; call < messages; call += burst) {
    const calls = Array.from({ length: Math.min(burst, messages - call) }, async (_, index) => {
      const number = call + index;
      const change = changeOf({
        ...{ ship: options.vesselId!, call: life * CALLS_PER_LIFE + number, keyNumber: number % keys },
      });
      const { entity, operation, data, ...more } = change;
      const { messageId, sequence } = await publisher.publish(entity, operation, data, more);
      say(`accepted ${messageId} ${sequence} ${entity} ${fingerprint(change)}`);
    });
    await Promise.all(calls);
    // The load stays below what a small machine can carry, so that it lasts until the kill.
    await sleep(5);
  }
}

async function live(): Promise<void> {
  say(`life ${orders.life}`);
  @Module({ imports: [MqttSyncModule.forRoot(orders.options)] })
  class EndModule {}
  const application = await NestFactory.createApplicationContext(EndModule, { logger: false, abortOnError: false });
  application.enableShutdownHooks([], { useProcessExit: true });
  const [events, status] = [application.get(SyncEvents), application.get(SyncStatus)];
  events.on('change_handled', ({ messageId }) => say(`recorded ${messageId}`));
  application.get(SyncSubscriber).subscribe('+', handle);
  // Not before: what comes in earlier waits in the pipe.
  process.stdin.on('data', (text) => {
    if (String(text).includes('go')) void publish(application.get(SyncPublisher)).then(() => say('done'));
    if (String(text).includes('report')) {
      const { changesParked, orderBreaks, messagesDropped } = status.statistics;
      const { missingCount } = status.gaps;
      const { messages } = status.queue;
      say(`stands ${JSON.stringify({ messages, missingCount, changesParked, orderBreaks, messagesDropped })}`);
    }
  });
  const poll = setInterval(() => {
    if (status.activeSubscriptions < 3 || !status.connected) return;
    clearInterval(poll);
    say('ready');
  }, 10);
}

process.stdin.on('end', () => process.exit(1));
live().catch((error: unknown) => {
  say(`error ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`.replaceAll('\n', ' '));
  process.exit(1);
});

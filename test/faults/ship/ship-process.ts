// A Nest application that publishes as fast as it can and says what was accepted; run as a process, to be killed.
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule } from '../../../src/mqtt-sync/mqtt-sync.module.js';
import type { Change } from '../../../src/mqtt-sync/publisher/change.js';
import { SyncPublisher } from '../../../src/mqtt-sync/publisher/sync-publisher.service.js';
import { LmdbMessageStore } from '../../../src/mqtt-sync/queue/lmdb/lmdb-message-store.js';
import { SyncEvents } from '../../../src/mqtt-sync/sync-events.js';
import { SyncStatus } from '../../../src/mqtt-sync/sync-status.js';
import { fingerprint } from '../oracle/fingerprint.js';
import { changeOf } from './changes.js';
import { type Orders, REPORT_FD } from './orders.js';

const orders = JSON.parse(process.argv[2]!) as Orders;

function say(line: string): void {
  writeSync(REPORT_FD, `${line}\n`);
}

/** Should the parent die first. */
const LONGEST_HALT_MS = 120_000;

/** Not even a timer runs any more; only a signal gets through. */
function haltFor(messageId: string): void {
  say(`halt ${messageId}`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGEST_HALT_MS);
  process.exit(1);
}

let untilHalt = orders.halt?.after ?? Infinity;

function passed(point: 'accepted' | 'published', messageId: string): void {
  if (orders.halt?.at === point && --untilHalt === 0) haltFor(messageId);
}

/** Wraps the store, as a user's own store would wrap it: the product has no hook for this. */
function announceCommits(): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
  const { commit } = LmdbMessageStore.prototype;
  LmdbMessageStore.prototype.commit = async function (work) {
    say('commit');
    await commit.call(this, work);
    say('committed');
  };
}

async function start(): Promise<INestApplicationContext> {
  @Module({ imports: [MqttSyncModule.forRoot(orders.options)] })
  class ShipModule {}
  const application = await NestFactory.createApplicationContext(ShipModule, { logger: false, abortOnError: false });
  application.enableShutdownHooks([], { useProcessExit: true });
  return application;
}

class Caller {
  private calls = 0;

  constructor(
    private readonly publisher: SyncPublisher,
    private readonly number: number,
  ) {}

  async work(): Promise<void> {
    const { messages, callers, burst, group } = orders;
    const mine = Math.floor(messages / callers);
    while (this.calls < mine) {
      const groups = Array.from({ length: Math.min(burst, Math.ceil((mine - this.calls) / group)) }, () =>
        this.publish(Array.from({ length: group }, () => this.next())),
      );
      await Promise.all(groups);
    }
  }

  /** Calls are numbered before they are made, and a caller's keys are its own: so a key's calls rise. */
  private next(): Change {
    const { ship, firstCall, keys, callers, size } = orders;
    const call = firstCall + this.calls * callers + this.number;
    const keyNumber = (this.calls * callers + this.number) % keys;
    this.calls++;
    return changeOf({ ship, call, keyNumber, size });
  }

  private async publish(changes: readonly Change[]): Promise<void> {
    const [first] = changes;
    const { entity, operation, data, ...options } = first!;
    const receipts =
      changes.length === 1
        ? [await this.publisher.publish(entity, operation, data, options)]
        : await this.publisher.publishMany(changes);
    receipts.forEach(({ messageId, sequence }, index) => {
      const change = changes[index]!;
      say(`accepted ${messageId} ${sequence} ${change.entity} ${fingerprint(change)}`);
    });
    for (const { messageId } of receipts) passed('accepted', messageId);
  }
}

async function sail(): Promise<void> {
  if (orders.announceCommits) announceCommits();
  const application = await start();
  application.get(SyncEvents).on('message_published', ({ messageId }) => passed('published', messageId));
  say('open');
  const publisher = application.get(SyncPublisher);
  await Promise.all(Array.from({ length: orders.callers }, (_, number) => new Caller(publisher, number).work()));
  say('done');
  const status = application.get(SyncStatus);
  const timer = setInterval(() => {
    if (status.queue.messages > 0) return;
    clearInterval(timer);
    say('drained');
  }, 10);
}

process.stdin.resume().on('end', () => process.exit(1));
sail().catch((error: unknown) => {
  say(`error ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`.replaceAll('\n', ' '));
  process.exit(1);
});

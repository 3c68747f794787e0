import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it, onTestFinished } from 'vitest';
import { MqttSyncModule } from '../../src/mqtt-sync/mqtt-sync.module.js';
import { ParkedChanges } from '../../src/mqtt-sync/subscriber/parked-changes.js';
import { SyncSubscriber } from '../../src/mqtt-sync/subscriber/sync-subscriber.service.js';
import { SyncStatus } from '../../src/mqtt-sync/sync-status.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

const TYPES = ['crew', 'equipment', 'fuel_log'];

async function startShore(brokerUrl: string) {
  const sync = MqttSyncModule.forRoot({
    ...{ brokerUrl, vesselId: 'shore', queue: { dir: queueFolder() }, incoming: { gapGraceS: 1, retryForMs: 0 } },
  });
  @Module({ imports: [sync] })
  class ShoreModule {}
  Logger.overrideLogger(false);
  const shore = await NestFactory.createApplicationContext(ShoreModule, { logger: false, abortOnError: false });
  onTestFinished(() => shore.close());
  return shore;
}

describeWithMosquitto('Gaps between a ship and the shore', () => {
  it('adds up: what the ship dropped is what the shore reports as lost, and nothing stays missing', async () => {
    const broker = await Mosquitto.start();
    // The shore stays connected: a broker that restarts may forget its session, and what comes before it is back.
    const link = await TcpProxy.start(broker.port);
    const shore = await startShore(broker.url);
    const handled = new Set<string>();
    shore.get(SyncSubscriber).subscribe('+', (_data, { messageId }) => void handled.add(String(messageId)));
    const status = shore.get(SyncStatus);
    await until(() => status.activeSubscriptions > 2, { what: 'the shore to subscribe' });

    const ship = await SyncApplication.start({
      ...{ brokerUrl: link.url, vesselId: 'mv-test', queue: { dir: queueFolder(), maxMessages: 50 } },
    });
    await ship.connected();
    // One of each while connected: from then on the shore knows what comes next.
    for (const type of TYPES) await ship.publisher.publish(type, 'update', { id: 'first' });
    await ship.drained();
    await until(() => handled.size === TYPES.length, { what: 'the first changes on shore' });
    await link.refuse();
    link.cut();
    await until(() => !ship.status.connected, { what: 'the ship to notice' });
    for (let n = 0; n < 600; n++) await ship.publisher.publish(TYPES[n % 3]!, 'update', { id: `n${n}` });
    const dropped = ship.status.statistics.messagesDropped;
    expect(dropped).toBeGreaterThan(500);
    await link.accept();
    await ship.drained();
    await until(() => status.statistics.lostChanges >= dropped && status.gaps.missingCount === 0, {
      deadlineMs: 40_000,
      what: () =>
        `${dropped} lost changes; ${status.statistics.lostChanges} were told, ${status.gaps.missingCount} are missing`,
    });
    expect(status.statistics.lostChanges).toBe(dropped);
    const gaps = [...status.gaps.gaps()];
    expect(gaps.map(({ entity }) => entity).sort()).toEqual(TYPES);
    expect(gaps.reduce((sum, { lostCount }) => sum + lostCount, 0)).toBe(dropped);
    await until(() => handled.size === 603 - dropped, { what: 'everything else' });
  });

  it('parks what a handler cannot take, and hands it over once more when asked', async () => {
    const broker = await Mosquitto.start();
    const shore = await startShore(broker.url);
    let isBroken = true;
    const done: unknown[] = [];
    shore.get(SyncSubscriber).subscribe('crew', (change) => {
      if (isBroken) throw new Error('the database is closed');
      done.push(change);
    });
    const ship = await SyncApplication.start({
      brokerUrl: broker.url,
      vesselId: 'mv-test',
      queue: { dir: queueFolder() },
    });
    await ship.publisher.publish('crew', 'update', { id: 'C-1' });
    const parked = shore.get(ParkedChanges);
    await until(() => parked.count === 1, { what: 'the change to be parked' });
    const [message] = [...parked.list()];
    expect(message).toMatchObject({
      reason: 'handler_failed',
      error: 'the database is closed',
      identity: { key: 'C-1' },
    });
    await expect(parked.retry(message!.position)).rejects.toThrow('the database is closed');
    isBroken = false;
    expect(await parked.retry(message!.position)).toBe(true);
    expect([done.length, parked.count]).toEqual([1, 0]);
  });
});

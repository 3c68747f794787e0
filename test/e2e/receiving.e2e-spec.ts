import {
  type ArgumentsHost,
  type CanActivate,
  Catch,
  Controller,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { connectAsync } from 'mqtt';
import { EMPTY, map, throwError, timer } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { HandlerInvalidError } from '../../src/mqtt-sync/errors.js';
import { MqttSyncContext } from '../../src/mqtt-sync/subscriber/mqtt-sync-context.js';
import { MqttSyncExceptionFilter } from '../../src/mqtt-sync/subscriber/mqtt-sync-exception.filter.js';
import { MQTT_SYNC } from '../../src/mqtt-sync/subscriber/mqtt-sync.server.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { ShoreApplication } from '../helpers/shore-application.js';
import { SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';

const SOON = { incoming: { retryForMs: 300, handlerTimeoutMs: 200 } };

/** What handlers saw, by a name that the controller gives. */
class Seen {
  readonly all: { readonly by: string; readonly data: unknown; readonly context: MqttSyncContext }[] = [];

  add(by: string, data: unknown, context: MqttSyncContext): void {
    this.all.push({ by, data, context });
  }

  async has(count: number): Promise<void> {
    await until(() => this.all.length >= count, {
      deadlineMs: 30_000,
      what: () => `${count} calls; there were ${this.all.length}`,
    });
  }

  get names(): string[] {
    return this.all.map(({ by }) => by);
  }
}

async function publisherOf(url: string, vesselId = 'mv-ship', options = {}) {
  const ship = await SyncApplication.start({ brokerUrl: url, vesselId, queue: { store: 'memory' }, ...options });
  await ship.connected();
  return ship;
}

/** Publishes what is no change of this module's. */
async function publishPlain(url: string, topic: string, payload: string | Buffer) {
  const client = await connectAsync(url);
  onTestFinished(async () => void (await client.endAsync(true)));
  await client.publishAsync(topic, payload, { qos: 1 });
}

describeWithMosquitto('a controller that handles changes', () => {
  it('gets the data and a typed context, and with a wildcard every entity type, but not the own traffic', async () => {
    const seen = new Seen();
    @Controller()
    class Changes {
      @EventPattern<string>('work_orders', MQTT_SYNC)
      workOrder(@Payload() data: unknown, @Ctx() context: MqttSyncContext) {
        seen.add('work_orders', data, context);
      }

      @EventPattern<string>('#', MQTT_SYNC)
      any(@Payload() data: unknown, @Ctx() context: MqttSyncContext) {
        seen.add('#', data, context);
      }
    }
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.start({ brokerUrl: broker.url }, [Changes]);
    await shore.subscribed();
    const ship = await publisherOf(broker.url);
    await ship.publisher.publish('work_orders', 'update', { id: 'WO-1', status: 'closed' }, { messageId: 'm-1' });
    await ship.publisher.publish('crew', 'delete', undefined, { key: 'C-7' });
    await seen.has(3);
    expect(seen.names).toEqual(['work_orders', '#', '#']);
    expect(seen.all[0]?.data).toEqual({ id: 'WO-1', status: 'closed' });
    const { context } = seen.all[0]!;
    expect(context).toBeInstanceOf(MqttSyncContext);
    expect(context).toMatchObject({
      topic: 'vessel/sync/work_orders',
      qos: 1,
      messageId: 'm-1',
      vesselId: 'mv-ship',
      sequence: 1,
      entity: 'work_orders',
      key: 'WO-1',
      operation: 'update',
      replayed: false,
      stale: false,
      retained: false,
      form: 'envelope',
      attempt: 1,
    });
    expect(context.epoch).toBeGreaterThan(1_700_000_000);
    expect(Date.parse(context.timestamp!)).not.toBeNaN();
    expect(seen.all[2]).toMatchObject({
      data: undefined,
      context: { entity: 'crew', operation: 'delete', key: 'C-7' },
    });
    await until(() => shore.status.receiver.unacknowledged === 0, { what: 'every acknowledgement' });
    expect(shore.status.statistics).toMatchObject({ changesHandled: 2, changesUnclaimed: 0, changesParked: 0 });
  });

  it('works with pipes, guards and interceptors, and waits for the observables they make', async () => {
    const seen = new Seen();
    class Trim implements PipeTransform {
      transform(value: unknown) {
        return value instanceof MqttSyncContext ? value : { ...(value as object), piped: true };
      }
    }
    class Admit implements CanActivate {
      canActivate() {
        return true;
      }
    }
    const interceptor: NestInterceptor = {
      intercept: (_context, next) => next.handle().pipe(map(() => (intercepted = true))),
    };
    let intercepted = false;
    @Controller()
    @UseInterceptors(interceptor)
    @UseGuards(new Admit())
    class Changes {
      @UsePipes(new Trim())
      @EventPattern<string>('crew', MQTT_SYNC)
      crew(@Payload() data: unknown, @Ctx() context: MqttSyncContext) {
        seen.add('crew', data, context);
        return timer(50);
      }
    }
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.start({ brokerUrl: broker.url }, [Changes]);
    await shore.subscribed();
    await (await publisherOf(broker.url)).publisher.publish('crew', 'create', { id: 'C-1' });
    await until(() => shore.status.statistics.changesHandled === 1, { what: 'the change to be handled' });
    expect(seen.all[0]?.data).toEqual({ id: 'C-1', piped: true });
    expect(intercepted).toBe(true);
  });

  it('has failed when a guard, a pipe, an interceptor or a filter lets the failure through', async () => {
    const deny: CanActivate = { canActivate: () => false };
    const refuse: PipeTransform = {
      transform: () => {
        throw new RpcException('no such field');
      },
    };
    const fail: NestInterceptor = { intercept: () => throwError(() => new RpcException('interceptor down')) };
    @Catch()
    class PassOn {
      catch(exception: Error) {
        return throwError(() => new Error(`filtered: ${exception.message}`));
      }
    }
    @Catch()
    class Swallow {
      catch(_exception: unknown, _host: ArgumentsHost) {
        return EMPTY;
      }
    }
    @Controller()
    class Changes {
      @UseGuards(deny)
      @EventPattern<string>('guarded', MQTT_SYNC)
      guarded() {}

      @UsePipes(refuse)
      @EventPattern<string>('piped', MQTT_SYNC)
      piped(@Payload() _data: unknown) {}

      @UseInterceptors(fail)
      @EventPattern<string>('intercepted', MQTT_SYNC)
      intercepted() {}

      @UseFilters(new PassOn())
      @EventPattern<string>('filtered', MQTT_SYNC)
      filtered() {
        throw new Error('boom');
      }

      @UseFilters(new MqttSyncExceptionFilter())
      @EventPattern<string>('told', MQTT_SYNC)
      told() {
        throw new TypeError('what it was');
      }

      @EventPattern<string>('thrown', MQTT_SYNC)
      thrown() {
        throw new TypeError('hidden by Nest');
      }

      @UseFilters(new Swallow())
      @EventPattern<string>('swallowed', MQTT_SYNC)
      swallowed() {
        throw new Error('dealt with by the filter');
      }
    }
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.start({ brokerUrl: broker.url, ...SOON }, [Changes]);
    await shore.subscribed(14);
    const ship = await publisherOf(broker.url);
    const failing = ['guarded', 'piped', 'intercepted', 'filtered', 'told', 'thrown'];
    for (const entity of [...failing, 'swallowed']) await ship.publisher.publish(entity, 'create', { id: 1 });
    await until(() => shore.inbox.stats().parked === 6, { what: 'six parked changes', deadlineMs: 30_000 });
    const errors: Record<string, string> = Object.fromEntries(
      [...shore.inbox.parked()].map(({ identity, error }) => [String(identity?.entity), error]),
    );
    expect(errors).toMatchObject({
      guarded: 'Forbidden resource',
      piped: 'no such field',
      intercepted: 'interceptor down',
      filtered: 'filtered: boom',
      told: 'what it was',
    });
    expect(errors['thrown']).toMatch(/the log has the error/);
    await until(() => shore.status.statistics.changesHandled === 1, { what: 'the swallowed one to be handled' });
  });

  it('must not answer, nor have a pattern that is no entity type: the application does not start', async () => {
    @Controller()
    class Answers {
      @MessagePattern('work_orders', MQTT_SYNC)
      answer() {
        return 'no';
      }
    }
    @Controller()
    class Elsewhere {
      @EventPattern('user.created')
      created(@Payload() _data: unknown) {}
    }
    const shore = await ShoreApplication.create({}, [Answers]);
    await expect(shore.receive()).rejects.toThrow(HandlerInvalidError);
    await expect((await ShoreApplication.create({}, [Elsewhere])).receive()).rejects.toThrow(
      /"user\.created".*transport/,
    );
  });

  it('is there although the broker is not, and receives when it comes', async () => {
    const seen = new Seen();
    @Controller()
    class Changes {
      @EventPattern<string>('crew', MQTT_SYNC)
      crew(@Payload() data: unknown, @Ctx() context: MqttSyncContext) {
        seen.add('crew', data, context);
      }
    }
    const broker = await Mosquitto.start();
    await broker.kill();
    const shore = await ShoreApplication.start({ brokerUrl: broker.url, reconnectMaxS: 1 }, [Changes]);
    expect(shore.status.reasons).toContain('receiver_not_connected');
    await broker.restart();
    await shore.subscribed();
    await (await publisherOf(broker.url)).publisher.publish('crew', 'create', { id: 'C-1' });
    await seen.has(1);
  });
});

describeWithMosquitto('several handlers of one change', () => {
  it('must all succeed; those that have are not run again', async () => {
    let good = 0;
    let flaky = 0;
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe('crew', () => void good++);
    shore.subscriber.subscribe('+', () => {
      if (++flaky < 3) throw new Error('not yet');
    });
    await shore.receive();
    await shore.subscribed();
    await (await publisherOf(broker.url)).publisher.publish('crew', 'create', { id: 'C-1' });
    await until(() => shore.status.statistics.changesHandled === 1, { what: 'the change to be handled' });
    expect([good, flaky]).toEqual([1, 3]);
    expect(shore.status.statistics.handlerFailures).toBe(2);
  });
});

describeWithMosquitto('SyncSubscriber', () => {
  it('subscribes before and after the start, and unsubscribes at the broker', async () => {
    const seen = new Seen();
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe('crew', (data, context) => seen.add('crew', data, context));
    await shore.receive();
    await shore.subscribed(4);
    const unsubscribe = shore.subscriber.subscribe('alerts', (data, context) => seen.add('alerts', data, context));
    await shore.subscribed(6);
    const ship = await publisherOf(broker.url);
    await ship.publisher.publish('alerts', 'create', { id: 'A-1' });
    await ship.publisher.publish('crew', 'create', { id: 'C-1' });
    await seen.has(2);
    unsubscribe();
    expect(shore.status.activeSubscriptions).toBe(4);
    await until(() => /UNSUBSCRIBE from arus_sync_shore_in/.test(broker.log), { what: 'the UNSUBSCRIBE' });
  });

  it('receives nothing while sync is turned off', async () => {
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url, localMode: false });
    shore.subscriber.subscribe('crew', () => {});
    await shore.receive();
    await publisherOf(broker.url);
    expect(broker.log).not.toMatch(/arus_sync_shore_in/);
    expect(shore.status.reasons).toEqual(['local_mode_off']);
  });
});

describeWithMosquitto('incoming changes', () => {
  it('come from two ships on one prefix without mixing, and own ones are only acknowledged', async () => {
    const seen = new Seen();
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe('crew', (data, context) => seen.add('crew', data, context));
    await shore.receive();
    await shore.subscribed();
    const ships = [await publisherOf(broker.url, 'mv-a'), await publisherOf(broker.url, 'mv-b')];
    const shoreSide = await publisherOf(broker.url, 'shore', { topicPrefix: 'vessel/sync' });
    await shoreSide.publisher.publish('crew', 'create', { id: 'mine' });
    for (const ship of ships) await ship.publisher.publish('crew', 'create', { id: 'C-1' }, { messageId: 'same-id' });
    await seen.has(2);
    expect(seen.all.map(({ context }) => context.vesselId).sort()).toEqual(['mv-a', 'mv-b']);
    await until(() => shore.status.statistics.changesEchoed === 1, { what: 'the echo' });
    expect([...shore.inbox.accounts()].map(({ vesselId, handled }) => [vesselId, handled]).sort()).toEqual([
      ['mv-a', 1],
      ['mv-b', 1],
    ]);
  });

  it('are handed on as they are without an envelope, or with an older one, and parked when nobody can read them', async () => {
    const seen = new Seen();
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe('crew', (data, context) => seen.add(context.form, data, context));
    await shore.receive();
    await shore.subscribed();
    const older = { type: 'data_change', entity: 'crew', operation: 'update', messageId: 'old-1', data: { id: 1 } };
    await publishPlain(broker.url, 'vessel/sync/crew', JSON.stringify(older));
    await publishPlain(broker.url, 'vessel/sync/crew', '{"id":2}');
    await publishPlain(broker.url, 'vessel/sync/crew', 'just text');
    await publishPlain(broker.url, 'vessel/sync/crew', '{"type":"data_change","entity":');
    await publishPlain(broker.url, 'vessel/sync/crew', Buffer.of(0xff, 0xfe));
    await until(() => seen.all.length + shore.inbox.stats().parked === 5, {
      what: 'five messages',
      deadlineMs: 30_000,
    });
    expect(seen.all.map(({ by, data }) => [by, data])).toEqual(
      expect.arrayContaining([
        ['older', { id: 1 }],
        ['bare', { id: 2 }],
        ['bare', 'just text'],
      ]),
    );
    expect([...shore.inbox.parked()].map(({ reason, error }) => `${reason}: ${error}`)).toEqual([
      'not_parsable: broken JSON',
      'not_parsable: not UTF-8',
    ]);
    await until(() => shore.status.receiver.unacknowledged === 0, { what: 'every acknowledgement' });
  });

  it('of many keys fail and hang without stopping the others, beyond the 20 that Mosquitto sends unacknowledged', async () => {
    const handled: unknown[] = [];
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url, ...SOON });
    shore.subscriber.subscribe<{ id: number }>('crew', ({ id }, { signal }) => {
      if (id % 10 === 0) throw new Error('refused by the database');
      if (id % 10 === 5)
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(aborted.push(id))));
      handled.push(id);
    });
    const aborted: number[] = [];
    await shore.receive();
    await shore.subscribed();
    const ship = await publisherOf(broker.url);
    await ship.publisher.publishMany(
      Array.from({ length: 100 }, (_, id) => ({ entity: 'crew', operation: 'update' as const, data: { id } })),
    );
    await until(() => handled.length === 80 && shore.inbox.stats().parked === 20, {
      deadlineMs: 50_000,
      what: () => `80 handled and 20 parked; ${handled.length} and ${shore.inbox.stats().parked}`,
    });
    const reasons = [...shore.inbox.parked()].map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'handler_failed')).toHaveLength(10);
    expect(reasons.filter((reason) => reason === 'handler_timed_out')).toHaveLength(10);
    expect(new Set(aborted).size).toBe(10);
  });

  it('keep their order per key under concurrency', async () => {
    const byKey = new Map<string, number[]>();
    const broker = await Mosquitto.start();
    const shore = await ShoreApplication.create({ brokerUrl: broker.url });
    shore.subscriber.subscribe<{ n: number }>('crew', async ({ n }, { key }) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      byKey.set(key!, [...(byKey.get(key!) ?? []), n]);
    });
    await shore.receive();
    await shore.subscribed();
    const ship = await publisherOf(broker.url);
    const changes = Array.from({ length: 400 }, (_, n) => ({
      entity: 'crew',
      operation: 'update' as const,
      key: `C-${n % 7}`,
      data: { n },
    }));
    await ship.publisher.publishMany(changes);
    await until(() => shore.status.statistics.changesHandled === 400, { deadlineMs: 50_000, what: '400 changes' });
    for (const order of byKey.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(byKey.size).toBe(7);
    expect(shore.status.statistics.orderBreaks).toBe(0);
  });
});

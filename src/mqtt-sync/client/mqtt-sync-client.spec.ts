import { Logger } from '@nestjs/common';
import { MqttRecordBuilder } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  ChangeInvalidError,
  EntityTypeInvalidError,
  OptionsError,
  QueueUnavailableError,
  RequestNotSupportedError,
} from '../errors.js';
import { silentLogger } from '../logger.js';
import { SyncEvents } from '../sync-events.js';
import { MqttSyncTestingModule, RecordingPublisher } from '../testing/index.js';
import { MqttSyncClient } from './mqtt-sync-client.js';

describe('MqttSyncClient', () => {
  let publisher: RecordingPublisher;
  let client: MqttSyncClient;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [MqttSyncTestingModule.register()] }).compile();
    publisher = module.get(RecordingPublisher);
    client = new MqttSyncClient({ publisher });
  });

  it('publishes what is emitted as an update of the entity type that the pattern names', async () => {
    const receipt = await lastValueFrom(client.emit('work_orders', { id: 'WO-1', status: 'closed' }));
    expect(receipt).toMatchObject({ sequence: 1, messageId: expect.any(String) as string });
    expect(publisher.published).toMatchObject([
      { entity: 'work_orders', operation: 'update', key: 'WO-1', data: { id: 'WO-1', status: 'closed' } },
    ]);
  });

  it.each([
    ['text', 'all quiet'],
    ['a number', 7],
    ['an array', [{ id: 1 }]],
    ['an object with a key of its own', { id: 'k', key: 'F#', messageId: 3, tempo: 120 }],
    ['an object with fields of a change, but none that says so', { key: 'F#' }],
  ])('takes %s for the data', async (_what, data) => {
    await lastValueFrom(client.emit('notes', data));
    expect(publisher.published).toMatchObject([{ operation: 'update', data }]);
  });

  it('takes an object with an operation for the change itself', async () => {
    await lastValueFrom(
      client.emit('crew', { operation: 'create', key: 'C-1', data: { name: 'A' }, qos: 0, retain: false }),
    );
    await lastValueFrom(client.emit('crew', { operation: 'delete', key: 'C-1', messageId: 'gone-1' }));
    expect(publisher.published).toMatchObject([
      { entity: 'crew', operation: 'create', key: 'C-1', data: { name: 'A' }, qos: 0, retain: false },
      { entity: 'crew', operation: 'delete', key: 'C-1', data: undefined, messageId: 'gone-1' },
    ]);
  });

  it('takes QoS and retain flag of a record as the MQTT client does', async () => {
    const record = new MqttRecordBuilder({ id: 'E-1' }).setQoS(2).setRetain(false).build();
    await lastValueFrom(client.emit('equipment', record));
    expect(publisher.published).toMatchObject([{ key: 'E-1', qos: 2, retain: false, data: { id: 'E-1' } }]);
  });

  it.each([
    ['an operation among other fields', { operation: 'weld', id: 'J-1' }, /emit \{ operation: "update", data/],
    ['an operation that there is not', { operation: 'weld', data: {} }, /create, update, delete/],
    ['data without an operation', { key: 'k', data: {} }, /no "operation"/],
    ['nothing', undefined, /no payload/],
    ['null', null, /no payload/],
  ])('refuses %s', async (_what, payload, message) => {
    const refused = lastValueFrom(client.emit('jobs', payload));
    await expect(refused).rejects.toThrow(ChangeInvalidError);
    await expect(refused).rejects.toThrow(message);
    expect(publisher.published).toEqual([]);
  });

  it.each([{ cmd: 'sum' }, 'vessel/crew', undefined])(
    'refuses the pattern %j, which names no entity type',
    async (pattern) => {
      await expect(lastValueFrom(client.emit(pattern, { id: 1 }))).rejects.toThrow(EntityTypeInvalidError);
    },
  );

  it('serialises at once, publishes whether or not somebody subscribes, and keeps the order', async () => {
    const order = { id: 'WO-1', step: 1 };
    client.emit('work_orders', order);
    order.step = 2;
    const second = client.emit('work_orders', order);
    order.step = 3;
    await lastValueFrom(second);
    expect(publisher.published.map(({ data }) => data)).toEqual([
      { id: 'WO-1', step: 1 },
      { id: 'WO-1', step: 2 },
    ]);
    // Late, and for the second time: it is published once.
    await lastValueFrom(second);
    expect(publisher.published).toHaveLength(2);
  });

  it('errors with what the publisher rejects with, and logs it where nobody subscribes', async () => {
    const log = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    publisher.failNext(new QueueUnavailableError('disk full'));
    await expect(lastValueFrom(client.emit('crew', { id: 1 }))).rejects.toThrow(QueueUnavailableError);
    expect(log).not.toHaveBeenCalled();
    publisher.failNext(new QueueUnavailableError('disk full'));
    client.emit('crew', { id: 1 });
    // A rejection that nobody handles fails the run, too.
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toHaveBeenCalledWith(expect.stringContaining('disk full'));
  });

  it('refuses to send, at once, and says what to use instead', async () => {
    const sent = firstValueFrom(client.send('crew'));
    await expect(sent).rejects.toThrow(RequestNotSupportedError);
    await expect(sent).rejects.toThrow(/Use emit\(\)/);
  });

  it('connects and closes without doing anything, as the publisher is not its own', async () => {
    await client.connect();
    client.close();
    await lastValueFrom(client.emit('crew', { id: 1 }));
    expect(client.unwrap()).toBe(publisher);
  });

  it('tells the status of the connection, where it is given the events', async () => {
    const events = new SyncEvents(silentLogger);
    const { status } = new MqttSyncClient({ publisher, events });
    events.emit('connected', { protocol: '5', sessionPresent: false });
    expect(await firstValueFrom(status)).toBe('connected');
    events.emit('disconnected', { reason: 'gone' });
    expect(await firstValueFrom(status)).toBe('disconnected');
  });

  it('says what is wrong with a registration that lacks the publisher', () => {
    expect(() => new MqttSyncClient(undefined as never)).toThrow(OptionsError);
    expect(() => new MqttSyncClient({} as never)).toThrow(/inject one/);
  });
});

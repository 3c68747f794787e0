import { once } from 'node:events';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { INestMicroservice } from '@nestjs/common';
import { type ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeSync, FakeSyncModule } from '../../../test/helpers/fake-sync.js';
import { QueueFullError } from '../../mqtt-sync/errors.js';
import { serviceSettings } from '../service-settings.js';
import { IngressModule } from './ingress.module.js';
import { tcpTransport } from './tcp-transport.js';

const CHANGE = { entity: 'crew', operation: 'create', data: { id: 'c-1' } };

let microservice: INestMicroservice | undefined;
let client: ClientProxy | undefined;

async function start(sync = new FakeSync(), ingressToken?: string) {
  const moduleRef = await Test.createTestingModule({
    imports: [FakeSyncModule.of(sync), IngressModule.forRoot(serviceSettings.parse({ ingressToken }))],
  }).compile();
  microservice = moduleRef.createNestMicroservice({ ...tcpTransport(0, 1000), logger: false });
  await microservice.listen();
  const { port } = microservice.unwrap<Server>().address() as AddressInfo;
  client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  const tcp = client;
  return { sync, port, send: (message: unknown) => firstValueFrom<unknown>(tcp.send('sync.change', message)) };
}

afterEach(async () => {
  await client?.close();
  await microservice?.close();
  client = microservice = undefined;
});

describe('sync.change over TCP', () => {
  it('accepts a change and answers its message id and sequence', async () => {
    const { sync, send } = await start();
    expect(await send(CHANGE)).toEqual({ messageId: 'id-1', sequence: 1 });
    expect(sync.published).toMatchObject([CHANGE]);
  });

  it('answers errors with a code to branch on', async () => {
    const { sync, send } = await start();
    await expect(send({ entity: 'crew', colour: 1 })).rejects.toMatchObject({
      code: 'CHANGE_INVALID',
      retryable: false,
    });
    await expect(send(7)).rejects.toMatchObject({ code: 'CHANGE_INVALID' });
    sync.failure = new QueueFullError('The queue is full.');
    await expect(send(CHANGE)).rejects.toEqual({ code: 'QUEUE_FULL', message: 'The queue is full.', retryable: true });
    sync.failure = new Error('secret path');
    await expect(send(CHANGE)).rejects.toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'See the log of the service.',
      retryable: false,
    });
  });

  it('needs the token in the message where one is set, and does not pass it on', async () => {
    const { sync, send } = await start(new FakeSync(), 'harbour-light');
    for (const token of [undefined, 'wrong', 7, null]) {
      await expect(send({ ...CHANGE, token })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    }
    await send({ ...CHANGE, token: 'harbour-light' });
    expect(sync.published).toHaveLength(1);
    expect(JSON.stringify(sync.published)).not.toContain('harbour-light');
  });

  it('drops who sends garbage or more than a message may have, and serves the next one', async () => {
    const { port, send } = await start();
    for (const garbage of [
      '11#not json at',
      'no length#',
      '5#1234',
      'x'.repeat(30_000),
      'GET',
      '12x',
      '30000#{'.padEnd(30_000),
    ]) {
      const socket = connect(port, '127.0.0.1').resume();
      socket.write(garbage);
      if (garbage !== '5#1234') await once(socket, 'close');
      socket.destroy();
    }
    expect(await send(CHANGE)).toMatchObject({ sequence: 1 });
  });

  it('takes nothing from an HTTP request, which any page in a browser can make', async () => {
    const { sync, port, send } = await start();
    const message = JSON.stringify({ pattern: 'sync.change', id: 'x', data: { ...CHANGE, key: 'evil' } });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).resume();
    const [refused, closed] = [['end', 'close'], ['close']].map(
      (events) => new Promise((resolve) => events.forEach((event) => socket.once(event, resolve))),
    );
    // It goes on writing after it was refused, and may hear that nobody reads.
    socket.on('error', () => {});
    socket.write('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n#');
    await refused;
    socket.end(`${message.length}#${message}`);
    await closed;
    await send(CHANGE);
    expect(sync.published).toEqual([CHANGE]);
  });
});

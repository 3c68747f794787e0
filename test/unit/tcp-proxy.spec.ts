import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../helpers/ports.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';

async function echoServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

async function clientOf(proxy: TcpProxy): Promise<{ socket: Socket; received: () => string; events: string[] }> {
  const socket = connect(proxy.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  const events: string[] = [];
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', (error: NodeJS.ErrnoException) => events.push(error.code ?? 'error'));
  socket.on('end', () => events.push('end'));
  await once(socket, 'connect');
  return { socket, received: () => text, events };
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}

it('carries bytes both ways, and a close', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  const { socket, received, events } = await clientOf(proxy);
  socket.end('hello');
  await until(() => events.includes('end'), { what: 'the close' });
  expect(received()).toBe('hello');
  await until(() => proxy.connectionsOpen === 0, { what: 'the proxy to be empty' });
});

it('delays each direction', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  proxy.quality.up.delayMs = 60;
  proxy.quality.down.delayMs = 60;
  const { socket, received } = await clientOf(proxy);
  const tookMs = await timeOf(async () => {
    socket.write('x');
    await until(() => received() === 'x', { what: 'the echo' });
  });
  expect(tookMs).toBeGreaterThanOrEqual(115);
});

it('keeps the order of bytes under jitter', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  proxy.quality.up.jitterMs = 20;
  proxy.quality.down.jitterMs = 20;
  const { socket, received } = await clientOf(proxy);
  for (let digit = 0; digit < 10; digit++) {
    socket.write(String(digit));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => received().length === 10, { what: 'ten digits' });
  expect(received()).toBe('0123456789');
});

it('limits the rate', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  proxy.quality.up.bytesPerSecond = 100_000;
  const { socket, received } = await clientOf(proxy);
  const tookMs = await timeOf(async () => {
    socket.write('x'.repeat(50_000));
    await until(() => received().length === 50_000, { what: 'all of it' });
  });
  expect(tookMs).toBeGreaterThanOrEqual(480);
});

it('swallows what a black hole is sent until it heals, close included', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  const { socket, received, events } = await clientOf(proxy);
  proxy.blackHole(['down']);
  socket.end('lost?');
  await until(() => socket.writableFinished, { what: 'the write' });
  await new Promise((resolve) => setImmediate(resolve));
  expect([received(), events]).toEqual(['', []]);
  proxy.heal();
  await until(() => events.includes('end'), { what: 'the close' });
  expect(received()).toBe('lost?');
});

it('cuts what is open, refuses what comes, and accepts again on the same port', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  const { events } = await clientOf(proxy);
  await proxy.refuse();
  proxy.cut();
  await until(() => events.includes('ECONNRESET'), { what: 'the reset' });
  const refused = connect(proxy.port, '127.0.0.1');
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
  await proxy.accept();
  const again = await clientOf(proxy);
  again.socket.write('back');
  await until(() => again.received() === 'back', { what: 'the echo' });
});

it('carries its rate also on a long link, and counts what it carries', async () => {
  const proxy = await TcpProxy.start(await echoServer());
  Object.assign(proxy.quality.up, { delayMs: 1000, bytesPerSecond: 250_000 });
  const { socket, received } = await clientOf(proxy);
  const tookMs = await timeOf(async () => {
    socket.write('x'.repeat(500_000));
    await until(() => received().length === 500_000, { deadlineMs: 20_000, what: 'all of it' });
  });
  // With 64 KiB on the way at most it would be 7.6 s; 3 s is what the link needs.
  expect(tookMs).toBeGreaterThanOrEqual(2900);
  expect(tookMs).toBeLessThan(7500);
  expect(proxy.carriedBytes).toEqual({ up: 500_000, down: 500_000 });
});

import { expect, it } from 'vitest';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { until } from '../helpers/wait.js';
import { malformedRequest, seeded } from './ingress/malformed.js';
import { anonymousBytes } from './ingress/memory.js';
import { dial, exchange, statusOf } from './ingress/wire.js';
import { scale } from './scale.js';
import { ServiceScene } from './ship/service-scene.js';
import { conclude } from './summary/record.js';

const CHANGES = '/api/mqtt/reliable-sync/changes';
const CHANGE = '{"entity":"crew","operation":"update","key":"k","data":{"id":"k"}}';
const MIB = 1024 * 1024;
/** A collector that has no reason to hurry leaves so much lying about. */
const MEMORY_ALLOWANCE = 96 * MIB;
const SEED = 20_261_124;
const AT_ONCE = 16;

function request(body: string | Buffer, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    `POST ${CHANGES} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    'Connection: close',
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]);
}

describeWithMosquitto('What comes in over the network', () => {
  it('may be wrong in every known way: a clear error for each, and right posts in between are taken', async () => {
    const scene = await ServiceScene.set();
    const { counter, oracle, port } = scene;
    const service = await scene.start();
    const wrong: readonly (readonly [what: string, bytes: Buffer, statuses: readonly number[]])[] = [
      ['a body too large', request(`{"entity":"crew","operation":"update","data":"${'x'.repeat(2_000_000)}"}`), [413]],
      [
        'a body that says it is too large',
        Buffer.from(
          `POST ${CHANGES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 999999999999\r\n\r\n`,
        ),
        [413],
      ],
      [
        'deep JSON',
        request(`{"entity":"crew","operation":"update","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
        [202, 400],
      ],
      ['deep objects', request('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)), [400]],
      ['a number', request('7'), [400]],
      ['null', request('null'), [400]],
      ['wrong types', request('{"entity":7,"operation":[],"key":{}}'), [400]],
      ['a prototype key', request('{"entity":"crew","operation":"update","__proto__":{"polluted":true}}'), [400]],
      ['a constructor key', request('{"entity":"crew","operation":"update","constructor":{"prototype":{}}}'), [400]],
      ['invalid UTF-8', request(Buffer.from(CHANGE.replace('"k"', '"\xff\xfe"'), 'latin1')), [400]],
      ['another charset', request(CHANGE, 'Content-Type: application/json; charset=utf-16'), [415, 400, 202]],
      ['compressed', request(CHANGE, 'Content-Encoding: gzip'), [415]],
      ['huge headers', request(CHANGE, `X-Huge: ${'x'.repeat(100_000)}`), [431]],
      ['two lengths', request(CHANGE, 'Content-Length: 3'), [400]],
      ['length and chunks', request(CHANGE, 'Transfer-Encoding: chunked'), [400]],
      ['no HTTP at all', Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n', 'latin1'), [400]],
    ];
    for (const [what, bytes, statuses] of wrong) {
      const status = statusOf(await exchange(port, bytes));
      // A socket that is reset while something large still comes may lose the answer.
      const mayBeLost = statuses.some((one) => one === 413 || one === 431);
      if (status !== undefined || !mayBeLost) expect(statuses, what).toContain(status);
      expect((await counter.post({ count: 2 })).status, what).toBe(202);
    }
    await scene.deliver();
    expect(await service.stop()).toBe(0);
    conclude(oracle.report({ name: 'wrong requests of every kind', rounds: wrong.length }));
  });

  it('may be random: no crash, no growth of memory, and right posts in between are taken', async () => {
    const scene = await ServiceScene.set();
    const { counter, oracle, port } = scene;
    const service = await scene.start();
    const random = seeded(SEED);
    const statuses = new Map<number | undefined, number>();
    const round = async () => {
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, () => exchange(port, malformedRequest(random), true)),
      );
      for (const answer of answers) statuses.set(statusOf(answer), (statuses.get(statusOf(answer)) ?? 0) + 1);
      expect((await counter.post({ count: 1 })).status).toBe(202);
    };
    const half = async () => {
      for (let sent = 0; sent < scale.malformedRequests / 2; sent += AT_ONCE) await round();
    };
    // What a heap takes until it has found its size is no growth; what is kept for each request is, in any half.
    await half();
    const before = anonymousBytes(service.pid);
    await half();
    const grown = anonymousBytes(service.pid) - before;
    expect(grown).toBeLessThan(MEMORY_ALLOWANCE);
    // Nothing is a fault of the service.
    expect([...statuses.keys()].filter((status) => status !== undefined && status >= 500)).toEqual([]);
    expect(service.output).not.toMatch(/ERROR|FATAL|at .*\.js:/);
    await scene.deliver();
    expect(await service.stop()).toBe(0);
    const seen = [...statuses].map(([status, count]) => `${status ?? 'no answer'}: ${count}`).join(', ');
    const notes = [
      `seed ${SEED}; answers ${seen}; anonymous memory in the second half ${grown < 0 ? '' : '+'}${Math.round(grown / MIB)} MiB`,
    ];
    conclude(oracle.report({ name: 'random malformed requests', rounds: scale.malformedRequests, notes }));
  });

  it('may be slow, half open or pipelined: slow clients are dropped in time, and nobody else waits for them', async () => {
    const scene = await ServiceScene.set();
    const { counter, oracle, port } = scene;
    const service = await scene.start();
    const slow = Array.from({ length: 100 }, (_, index) => {
      const socket = dial(port).resume();
      // A third sends half a header, a third half a body, a third nothing.
      if (index % 3 === 0) socket.write(`POST ${CHANGES} HTTP/1.1\r\nHost: localhost\r\nX-Slow: `);
      if (index % 3 === 1) socket.write(request(CHANGE).subarray(0, -5));
      return socket;
    });
    const halfHeaders = slow.filter((_, index) => index % 3 === 0);
    const closed = halfHeaders.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
    for (let posts = 0; posts < 20; posts++) expect((await counter.post({ count: 5 })).status).toBe(202);
    // Headers have ten seconds, and are looked at every five.
    let isClosed = false;
    void Promise.all(closed).then(() => (isClosed = true));
    const dripping = () => {
      for (const socket of halfHeaders) if (!socket.destroyed) socket.write('x');
      return isClosed;
    };
    await until(dripping, { deadlineMs: 30_000, what: 'the clients with slow headers to be dropped' });
    const piped = Buffer.concat(
      [
        ...Array.from({ length: 49 }, () => request(CHANGE).toString().replace('Connection: close\r\n', '')),
        request(CHANGE),
      ].map((one) => Buffer.from(one)),
    );
    const answers = (await exchange(port, piped)).match(/HTTP\/1\.1 202 /g);
    expect(answers).toHaveLength(50);
    // The other end of the connection goes away without a word.
    for (const socket of slow) socket.resetAndDestroy();
    expect((await counter.post({ count: 5 })).status).toBe(202);
    await scene.deliver();
    expect(await service.stop()).toBe(0);
    conclude(oracle.report({ name: 'slow, half-open and pipelined clients', rounds: slow.length }));
  });

  it('may be garbage on the TCP transport: its sender is dropped, the service goes on', async () => {
    const tcp = await freePort();
    const scene = await ServiceScene.set(undefined, { SYNC_TCP_PORT: String(tcp) });
    const { counter, oracle } = scene;
    const service = await scene.start();
    const random = seeded(SEED);
    const message = (data: unknown) => {
      const text = JSON.stringify({ pattern: 'sync.change', id: '1', data });
      return `${text.length}#${text}`;
    };
    const garbage = [
      ...[
        '#',
        '-1#{}',
        'x#{}',
        '5#{"a"',
        '99999999999#x',
        '2#{}',
        '4#null',
        '7#[1,2,3]',
        `20#${'{'.repeat(20)}`,
        '\0\0\0\0',
        'GET / HTTP/1.1\r\n\r\n',
      ],
      ...[
        message(null),
        message(7),
        message({ entity: 7 }),
        message({ entity: 'crew', operation: 'update', __proto__: 1 }),
      ],
      `${'9'.repeat(1_000_000)}`,
    ];
    // The heap reaches its usual size in the first half; what grows with each message shows in the second.
    let before = 0;
    const rounds = Math.round(scale.malformedRequests / 10);
    for (let round = 0; round < rounds; round++) {
      if (round === Math.floor(rounds / 2)) before = anonymousBytes(service.pid);
      const bytes = Buffer.from(garbage[round % garbage.length]!, 'latin1');
      if (round >= garbage.length) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const socket = dial(tcp).resume();
      await new Promise((resolve) => socket.once('connect', resolve));
      await new Promise<void>((resolve) => socket.end(bytes, resolve));
      if (round % 10 === 0) expect((await counter.post({ count: 1 })).status).toBe(202);
    }
    const grown = anonymousBytes(service.pid) - before;
    expect(grown).toBeLessThan(MEMORY_ALLOWANCE);
    expect(service.hasEnded, service.output).toBe(false);
    await scene.deliver();
    expect(await service.stop()).toBe(0);
    const notes = [`anonymous memory in the second half ${grown < 0 ? '' : '+'}${Math.round(grown / MIB)} MiB`];
    conclude(oracle.report({ name: 'garbage on the TCP transport', rounds, notes }));
  });
});

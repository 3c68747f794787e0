import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { FakeSync, FakeSyncModule } from '../../../test/helpers/fake-sync.js';
import { serveModules } from '../../../test/helpers/http-application.js';
import {
  ChangeInvalidError,
  ChangeTooLargeError,
  QueueFullError,
  QueueUnavailableError,
  StoppingError,
} from '../../mqtt-sync/errors.js';
import { serviceSettings } from '../service-settings.js';
import { IngressModule } from './ingress.module.js';

const PATH = '/api/mqtt/reliable-sync/changes';
const TOKEN = 'harbour-light';
const CHANGE = { entity: 'work_orders', operation: 'create', key: 'wo-1', data: { id: 'wo-1' } };

async function start(sync = new FakeSync(), ingressToken?: string) {
  const ingress = IngressModule.forRoot(serviceSettings.parse({ ingressToken }));
  const app = await serveModules(FakeSyncModule.of(sync), ingress);
  return { sync, server: app.getHttpServer(), post: () => request(app.getHttpServer()).post(PATH) };
}

function problem(status: number, code: string, more: object = {}) {
  return { type: 'about:blank', title: expect.any(String) as string, status, code, ...more };
}

/** The problem document of an answer, after a look at its type. */
function problemIn({ headers, text }: { headers: Record<string, string>; text: string }): Record<string, unknown> {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  return JSON.parse(text) as Record<string, unknown>;
}

describe('POST changes', () => {
  it('accepts one change with 202, its message id and sequence', async () => {
    const { sync, post } = await start();
    const answer = await post().send({ ...CHANGE, qos: 2, retain: false, messageId: 'given' });
    expect([answer.status, answer.body]).toEqual([202, { messageId: 'given', sequence: 1 }]);
    expect(sync.published).toEqual([{ ...CHANGE, qos: 2, retain: false, messageId: 'given' }]);
    expect(answer.headers).not.toHaveProperty('x-powered-by');
  });

  it('accepts an array in one publishMany, and answers with an array', async () => {
    const { sync, post } = await start();
    const answer = await post().send([CHANGE, { entity: 'crew', operation: 'delete', key: 'c-1' }]);
    expect([answer.status, answer.body]).toEqual([
      202,
      [
        { messageId: 'id-1', sequence: 1 },
        { messageId: 'id-2', sequence: 2 },
      ],
    ]);
    expect(sync.published).toHaveLength(2);
  });

  it('says skipped while sync is off', async () => {
    const { post } = await start(new FakeSync({ localMode: false }));
    const answer = await post().send(CHANGE);
    expect([answer.status, answer.body]).toEqual([202, { messageId: 'id-1', skipped: true }]);
  });

  it.each([
    ['a string', '"change"', 'must be an object'],
    ['null', 'null', 'must be an object'],
    ['an unknown field', '{"entity":"crew","operation":"create","colour":1}', 'unknown field "colour"'],
    ['a prototype key', '{"entity":"crew","operation":"create","__proto__":{"qos":2}}', 'unknown field "__proto__"'],
    ['missing fields', '{"data":{}}', 'entity and operation missing'],
    ['an empty array', '[]', 'the array is empty'],
  ])('refuses %s with 400 and what is wrong', async (_name, body, detail) => {
    const { sync, post } = await start();
    const answer = await post().set('Content-Type', 'application/json').send(body);
    expect(problemIn(answer)).toEqual(
      problem(400, 'CHANGE_INVALID', { title: 'Bad Request', detail: expect.stringContaining(detail) as string }),
    );
    expect(sync.published).toEqual([]);
  });

  it('tells the index of the change that is wrong in an array, whoever finds it wrong', async () => {
    const { sync, post } = await start();
    const shape = problemIn(await post().send([CHANGE, 7]));
    expect(shape).toMatchObject(problem(400, 'CHANGE_INVALID', { index: 1 }));
    sync.failure = new ChangeInvalidError('The change of crew is not valid: its qos must be 0, 1 or 2.');
    (sync.failure as ChangeInvalidError).index = 1;
    const content = problemIn(await post().send([CHANGE, CHANGE]));
    expect(content).toMatchObject(
      problem(400, 'CHANGE_INVALID', { index: 1, detail: expect.stringContaining('qos') as string }),
    );
  });

  it('refuses more changes at once than it would check in one go', async () => {
    const { post } = await start();
    const answer = await post().send(Array.from({ length: 1001 }, () => CHANGE));
    expect(problemIn(answer)).toMatchObject(problem(413, 'TOO_MANY_CHANGES'));
  });

  it('refuses malformed JSON, text that is not UTF-8, and an empty body with 400', async () => {
    const { post } = await start();
    for (const body of [Buffer.from('{"entity":'), Buffer.from([0x22, 0xff, 0x22]), Buffer.alloc(0)]) {
      const answer = await post()
        .set('Content-Type', 'application/json')
        .serialize((raw) => raw as string)
        .send(body);
      expect(problemIn(answer)).toMatchObject(problem(400, 'BODY_MALFORMED'));
    }
  });

  it('survives JSON nested deeper than any stack', async () => {
    const { sync, post } = await start();
    const depth = 100_000;
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    const answer = await post()
      .set('Content-Type', 'application/json')
      .send(`{"entity":"crew","operation":"create","data":${deep}}`);
    // The fake does not serialise; the publisher does, and rejects it.
    expect(answer.status).toBe(202);
    expect(() => JSON.stringify(sync.published[0]!.data)).toThrow(RangeError);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])(
    'refuses the content type "%s" with 415',
    async (type) => {
      const { post } = await start();
      const sent = post().serialize((raw) => raw as string);
      const answer = await (type === '' ? sent.unset('Content-Type') : sent.set('Content-Type', type)).send('{}');
      expect(problemIn(answer)).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
    },
  );

  it('refuses a compressed body, which could be of any size, with 415', async () => {
    const { post } = await start();
    const answer = await post().set('Content-Encoding', 'gzip').send(CHANGE);
    expect(problemIn(answer)).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
  });

  it('reads no more of a body than the largest message could need, and of an array 16 MiB', async () => {
    const { sync, post } = await start(new FakeSync({ maxMessageBytes: 1000 }));
    const data = 'x'.repeat(25_000);
    expect(problemIn(await post().send({ ...CHANGE, data }))).toMatchObject(problem(413, 'BODY_TOO_LARGE'));
    expect((await post().send([{ ...CHANGE, data }])).status).toBe(202);
    const huge = await post().send([{ ...CHANGE, data: 'x'.repeat(17 * 1024 * 1024) }]);
    expect(problemIn(huge)).toMatchObject(problem(413, 'BODY_TOO_LARGE'));
    expect(sync.published).toHaveLength(1);
  });

  it('stops reading a body of unknown length at the limit', async () => {
    const { server } = await start(new FakeSync({ maxMessageBytes: 1000 }));
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const block = 'x'.repeat(0x4000);
    socket.write(`3\r\n  "\r\n4000\r\n${block}\r\n4000\r\n${block}\r\n`);
    const [answer] = (await once(socket, 'data')) as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it.each([
    [new ChangeTooLargeError(300, 200, 'crew'), 413],
    [new QueueFullError('The queue is full.'), 503],
    [new QueueUnavailableError('The disk is full.'), 503],
    [new StoppingError('The process is stopping.'), 503],
  ])('answers %s of publish() with its own status and code', async (failure, status) => {
    const { sync, post } = await start();
    sync.failure = failure;
    const answer = await post().send(CHANGE);
    expect(problemIn(answer)).toMatchObject(problem(status, failure.code, { detail: failure.message }));
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
  });

  it('says nothing of an error that nobody expected', async () => {
    const { sync, post } = await start();
    sync.failure = new Error('secret path /data/queue');
    const answer = await post().send(CHANGE);
    expect(problemIn(answer)).toMatchObject(problem(500, 'INTERNAL_SERVER_ERROR'));
    expect(answer.text).not.toContain('secret');
  });

  it('answers unknown paths and methods with a problem document, too', async () => {
    const { server } = await start();
    expect(problemIn(await request(server).get('/nowhere'))).toMatchObject(problem(404, 'NOT_FOUND'));
    expect(problemIn(await request(server).put(PATH))).toMatchObject(problem(405, 'METHOD_NOT_ALLOWED'));
  });
});

describe('who may post', () => {
  it('without a token: a client on this machine, asking by a name of this machine', async () => {
    const { post } = await start();
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000']) {
      expect((await post().set('Host', host).send(CHANGE)).status).toBe(202);
    }
  });

  it.each([
    ['Host', 'ship.example'],
    ['Host', 'localhost.evil.example:5000'],
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Real-IP', '203.0.113.9'],
    ['Via', '1.1 ship.example'],
    ['Forwarded', 'for=203.0.113.9'],
  ])('without a token: nobody through a proxy on this machine, as %s: %s tells', async (header, value) => {
    const { sync, post } = await start();
    const answer = await post().set(header, value).send(CHANGE);
    expect(problemIn(answer)).toMatchObject(problem(403, 'FORBIDDEN'));
    expect(sync.published).toEqual([]);
  });

  it('with a token: whoever has it, through a proxy or not', async () => {
    const { post } = await start(new FakeSync(), TOKEN);
    const proxied = post().set('Host', 'ship.example').set('X-Forwarded-For', '203.0.113.9');
    expect((await proxied.set('Authorization', `Bearer ${TOKEN}`).send(CHANGE)).status).toBe(202);
  });

  it.each(['https://elsewhere.example', 'http://localhost:3000'])(
    'without a token: no page of %s in a browser on this machine, but one of its own',
    async (origin) => {
      const { post } = await start();
      const from = (page: string) => post().set('Host', 'localhost:5000').set('Origin', page).send(CHANGE);
      expect(problemIn(await from(origin))).toMatchObject(problem(403, 'FORBIDDEN'));
      expect((await from('http://localhost:5000')).status).toBe(202);
    },
  );

  it('with a token: whoever has it, on this machine or not', async () => {
    const { sync, post } = await start(new FakeSync(), TOKEN);
    for (const header of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, 'Bearer ', TOKEN]) {
      const answer = await (header === undefined ? post() : post().set('Authorization', header)).send(CHANGE);
      expect(problemIn(answer)).toMatchObject(problem(401, 'UNAUTHORIZED'));
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
      expect(answer.text).not.toContain(TOKEN);
    }
    expect(sync.published).toEqual([]);
    expect((await post().set('Authorization', `bearer ${TOKEN}`).send(CHANGE)).status).toBe(202);
  });

  it('reads no body of who may not post', async () => {
    const { post } = await start(new FakeSync(), TOKEN);
    const answer = await post().set('Content-Type', 'application/json').send('{"not json');
    expect(problemIn(answer)).toMatchObject(problem(401, 'UNAUTHORIZED'));
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { draft, inMemory, take, VESSEL, watch } from '../../../test/contract/queue-harness.js';
import { serveWith } from '../../../test/helpers/http-application.js';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import { type SyncQueue as Queue, SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { resolveOptions } from '../../mqtt-sync/resolve-options.js';
import { serviceSettings } from '../service-settings.js';
import { DeadLettersModule } from './dead-letters.module.js';

const PATH = '/api/mqtt/reliable-sync/dead-letters';
const TOKEN = 'harbour-light';
const NOT_AUTHORISED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2 };

const serve = (queue: Queue, ingressToken?: string, localMode = true) =>
  serveWith(
    DeadLettersModule.forRoot(serviceSettings.parse({ ingressToken })),
    { provide: SyncQueue, useValue: queue },
    { provide: MQTT_SYNC_OPTIONS, useValue: resolveOptions({ localMode }) },
  );

function problemIn({ headers, text }: { headers: Record<string, string>; text: string }): unknown {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  return JSON.parse(text);
}

describe('dead letters over HTTP', () => {
  let queue: Queue;
  let http: Awaited<ReturnType<typeof serve>>;
  let positions: number[];

  beforeEach(async () => {
    queue = watch(inMemory).queue;
    await queue.open(VESSEL);
    http = await serve(queue);
    await queue.accept(['m1', 'm2', 'm3'].map((messageId) => draft('crew', { messageId })));
    positions = ['m1', 'm2', 'm3'].map(() => {
      const message = take(queue);
      queue.setAside(message, NOT_AUTHORISED);
      return message.position;
    });
    await queue.settled();
  });

  it('lists them with their story and without their payload', async () => {
    const answer = await http.get(PATH);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const { total, deadLetters, next } = answer.body as unknown as {
      total: number;
      deadLetters: object[];
      next?: number;
    };
    expect([total, next]).toEqual([3, undefined]);
    expect(deadLetters[0]).toEqual({
      ...{ position: positions[0], entity: 'crew', sequence: 1, reason: 'refused', reasonCode: 0x87, attempts: 2 },
      reasonText: 'Not authorized (0x87)',
      ...{ retryable: true, messageId: 'm1', operation: 'update', key: 'k', topic: 'vessel/sync/crew', qos: 1 },
      deadAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      acceptedAt: '1970-01-01T00:00:01.000Z',
      bytes: expect.any(Number) as number,
    });
  });

  it('lists them page by page', async () => {
    const first = (await http.get(`${PATH}?limit=2`)).body as { next: number };
    expect(first).toMatchObject({
      total: 3,
      next: positions[1],
      deadLetters: [{ messageId: 'm1' }, { messageId: 'm2' }],
    });
    const second = await http.get(`${PATH}?limit=2&after=${first.next}`);
    expect(second.body).toMatchObject({ deadLetters: [{ messageId: 'm3' }] });
    expect(second.body).not.toHaveProperty('next');
  });

  it.each(['limit=0', 'limit=201', 'limit=-1', 'limit=1e2', 'after=x', 'after=1&after=2', 'limit=', 'reason=refused'])(
    'answers 400 to ?%s',
    async (query) => {
      expect(problemIn(await http.get(`${PATH}?${query}`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    },
  );

  it('shows one with its payload', async () => {
    const answer = await http.get(`${PATH}/${positions[1]}`);
    expect(answer.body).toMatchObject({
      messageId: 'm2',
      payload: { entity: 'crew', messageId: 'm2', data: { a: 1 } },
    });
  });

  it('puts one back into the queue with its id and sequence', async () => {
    const answer = await http.post(`${PATH}/${positions[1]}/retry`);
    expect([answer.status, answer.body]).toEqual([202, { messageId: 'm2', sequence: 2 }]);
    expect(take(queue)).toMatchObject({ messageId: 'm2', sequence: 2 });
    expect((await http.get(PATH)).body).toMatchObject({ total: 2 });
  });

  it('discards one, which is a gap then', async () => {
    const answer = await http.delete(`${PATH}/${positions[2]}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(queue.gaps().get('crew')).toEqual([{ from: 3, to: 3, reason: 'discarded' }]);
    expect(problemIn(await http.delete(`${PATH}/${positions[2]}`))).toMatchObject({ status: 404 });
  });

  it('answers 404 for one that there is not, and 400 for what is no position', async () => {
    const gone = positions[2]! + 1;
    for (const answer of [
      await http.get(`${PATH}/${gone}`),
      await http.post(`${PATH}/${gone}/retry`),
      await http.delete(`${PATH}/${gone}`),
      // Before the first.
      await http.get(`${PATH}/0`),
    ]) {
      expect(problemIn(answer)).toMatchObject({ status: 404, code: 'DEAD_LETTER_NOT_FOUND' });
    }
    for (const text of ['first', '-1', '1.5', '1e3', '9'.repeat(16)]) {
      expect(problemIn(await http.get(`${PATH}/${text}`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    }
  });

  it('does not answer a page that a browser on this machine was tricked into by its name', async () => {
    // DNS rebinding: the page's own host name leads here, so the browser sends no Origin with a GET.
    for (const host of ['evil.example:5000', 'localhost.evil.example']) {
      const answer = await http.get(PATH).set('Host', host);
      expect(problemIn(answer)).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    }
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000']) {
      expect((await http.get(PATH).set('Host', host)).status).toBe(200);
    }
  });

  it('needs the token for everything, where one is set', async () => {
    http = await serve(queue, TOKEN);
    const one = `${PATH}/${positions[0]}`;
    for (const ask of [
      () => http.get(PATH),
      () => http.get(one),
      () => http.post(`${one}/retry`),
      () => http.delete(one),
    ]) {
      expect(problemIn(await ask())).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    }
    expect(queue.stats().deadLetters).toBe(3);
    expect((await http.get(PATH).set('Authorization', `Bearer ${TOKEN}`)).status).toBe(200);
  });
});

describe('dead letters that cannot be had', () => {
  it('answers 503 while the queue is not open, rather than that there are none', async () => {
    const http = await serve(watch(inMemory).queue);
    for (const answer of [
      await http.get(PATH),
      await http.get(`${PATH}/1`),
      await http.post(`${PATH}/1/retry`),
      await http.delete(`${PATH}/1`),
    ]) {
      expect(problemIn(answer)).toMatchObject({ status: 503, code: 'QUEUE_UNAVAILABLE' });
    }
  });

  it('answers 409 while sync is off, since no later try would find any', async () => {
    const http = await serve(watch(inMemory).queue, undefined, false);
    for (const answer of [
      await http.get(PATH),
      await http.get(`${PATH}/1`),
      await http.post(`${PATH}/1/retry`),
      await http.delete(`${PATH}/1`),
    ]) {
      expect(problemIn(answer)).toMatchObject({ status: 409, code: 'SYNC_OFF' });
    }
  });

  it('says of a damaged record what is known, and that it cannot be sent again', async () => {
    const damaged = {
      ...{ position: 7, entity: 'crew', sequence: 3, reason: 'corrupt', reasonCode: undefined, attempts: 0 },
      ...{ deadAtMs: 0, message: undefined },
    };
    const queue = {
      identity: { vesselId: 'v', epoch: 1 },
      stats: () => ({ deadLetters: 1 }),
      deadLetters: () => [damaged],
    } as unknown as Queue;
    const http = await serve(queue);
    const shown = { position: 7, entity: 'crew', sequence: 3, reason: 'corrupt', attempts: 0, retryable: false };
    expect((await http.get(`${PATH}/7`)).body).toEqual({ ...shown, deadAt: '1970-01-01T00:00:00.000Z' });
    expect(problemIn(await http.post(`${PATH}/7/retry`))).toMatchObject({ status: 409, code: 'DEAD_LETTER_DAMAGED' });
  });
});

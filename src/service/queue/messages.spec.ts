import { beforeEach, describe, expect, it } from 'vitest';
import { draft, idsOf, inMemory, take, VESSEL, watch } from '../../../test/contract/queue-harness.js';
import { serveWith } from '../../../test/helpers/http-application.js';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import { type SyncQueue as Queue, SyncQueue } from '../../mqtt-sync/queue/sync-queue.js';
import { resolveOptions } from '../../mqtt-sync/resolve-options.js';
import { serviceSettings } from '../service-settings.js';
import type { MessageList } from './messages.controller.js';
import { MessagesModule } from './messages.module.js';

const PATH = '/api/mqtt/reliable-sync/queue/messages';
const TOKEN = 'harbour-light';

const serve = (queue: Queue, ingressToken?: string, localMode = true) =>
  serveWith(
    MessagesModule.forRoot(serviceSettings.parse({ ingressToken })),
    { provide: SyncQueue, useValue: queue },
    { provide: MQTT_SYNC_OPTIONS, useValue: resolveOptions({ localMode }) },
  );

const problemIn = ({ text }: { text: string }): unknown => JSON.parse(text);

describe('the messages of the queue over HTTP', () => {
  let queue: Queue;
  let http: Awaited<ReturnType<typeof serve>>;

  const list = async (query = '') => (await http.get(`${PATH}${query}`)).body as unknown as MessageList;

  beforeEach(async () => {
    queue = watch(inMemory).queue;
    await queue.open(VESSEL);
    http = await serve(queue);
    await queue.accept([
      draft('crew', { messageId: 'm1' }),
      draft('alerts', { messageId: 'm2', lane: 'critical' }),
      draft('crew', { messageId: 'm3', key: undefined }),
    ]);
  });

  it('are listed with everything but their payload', async () => {
    const { total, messages, next } = await list();
    expect([total, next]).toEqual([3, undefined]);
    expect(messages[0]).toEqual({
      ...{ position: 1, entity: 'crew', operation: 'update', key: 'k', messageId: 'm1', sequence: 1 },
      ...{ lane: 'normal', qos: 1, retain: true, topic: 'vessel/sync/crew', acceptedAt: '1970-01-01T00:00:01.000Z' },
      bytes: expect.any(Number) as number,
    });
    expect(messages[2]).not.toHaveProperty('key');
  });

  it('are listed page by page, of one entity type, with payloads on request', async () => {
    const first = await list('?limit=2&payloads=true');
    expect(first).toMatchObject({ next: 2, messages: [{ payload: { messageId: 'm1', data: { a: 1 } } }, {}] });
    expect(idsOf((await list(`?after=${first.next}`)).messages)).toEqual(['m3']);
    expect(idsOf((await list('?entity=crew')).messages)).toEqual(['m1', 'm3']);
  });

  it('make a page of bounded size', async () => {
    queue = watch(inMemory, { maxBytes: 100_000_000 }).queue;
    await queue.open(VESSEL);
    http = await serve(queue);
    const dataJson = JSON.stringify('x'.repeat(1024 * 1024));
    await queue.accept(Array.from({ length: 7 }, () => draft('crew', { dataJson })));
    const { messages, next } = await list('?payloads=true');
    expect([messages.length, next]).toEqual([4, 4]);
    expect((await list()).messages).toHaveLength(7);
  });

  it('are shown one by one', async () => {
    expect((await http.get(`${PATH}/2`)).body).toMatchObject({ messageId: 'm2', payload: { entity: 'alerts' } });
    for (const gone of [0, 4]) {
      expect(problemIn(await http.get(`${PATH}/${gone}`))).toMatchObject({ status: 404, code: 'MESSAGE_NOT_FOUND' });
    }
    expect(problemIn(await http.get(`${PATH}/first`))).toMatchObject({ status: 400 });
  });

  it('are purged, but for what was sent', async () => {
    queue.putBack([take(queue)]);
    const answer = await http.delete(PATH);
    expect([answer.status, answer.body]).toEqual([200, { purged: 2, remaining: 1 }]);
    expect(queue.gaps().get('alerts')).toEqual([{ from: 1, to: 1, reason: 'dropped' }]);
  });

  it('are purged of one entity type', async () => {
    expect((await http.delete(`${PATH}?entity=crew`)).body).toEqual({ purged: 2, remaining: 1 });
    expect(idsOf([...queue.messages()])).toEqual(['m2']);
  });

  it.each(['entty=crew', 'entity=', 'entity=a&entity=b', 'entity=ZZ', 'entity=system', 'limit=1'])(
    'are not purged by ?%s',
    async (query) => {
      expect(problemIn(await http.delete(`${PATH}?${query}`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
      expect(queue.stats().messages).toBe(3);
    },
  );

  it.each(['limit=0', 'after=x', 'payloads=yes', 'entity=a&entity=b', 'entity=ZZ', 'entty=crew'])(
    'are not listed by ?%s',
    async (query) => {
      expect(problemIn(await http.get(`${PATH}?${query}`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    },
  );

  it('need the token for everything, where one is set', async () => {
    http = await serve(queue, TOKEN);
    for (const ask of [() => http.get(PATH), () => http.get(`${PATH}/1`), () => http.delete(PATH)]) {
      expect(problemIn(await ask())).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    }
    expect(queue.stats().messages).toBe(3);
    expect((await http.get(PATH).set('Authorization', `Bearer ${TOKEN}`)).status).toBe(200);
  });

  it('cannot be had while the queue is not open', async () => {
    http = await serve(watch(inMemory).queue);
    for (const answer of [await http.get(PATH), await http.get(`${PATH}/1`), await http.delete(PATH)]) {
      expect(problemIn(answer)).toMatchObject({ status: 503, code: 'QUEUE_UNAVAILABLE' });
    }
  });

  it('cannot be had while sync is off, which no later try would change', async () => {
    http = await serve(watch(inMemory).queue, undefined, false);
    for (const answer of [await http.get(PATH), await http.get(`${PATH}/1`), await http.delete(PATH)]) {
      expect(problemIn(answer)).toMatchObject({ status: 409, code: 'SYNC_OFF' });
      expect(answer.headers).not.toHaveProperty('retry-after');
    }
  });
});

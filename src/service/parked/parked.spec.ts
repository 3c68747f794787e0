import { beforeEach, describe, expect, it } from 'vitest';
import { change, memoryInbox, openInbox, parkedDraft } from '../../../test/contract/inbox-harness.js';
import { serveWith } from '../../../test/helpers/http-application.js';
import { ChangeInvalidError, NotSubscribedError, StoppingError } from '../../mqtt-sync/errors.js';
import type { Inbox } from '../../mqtt-sync/subscriber/inbox/inbox.js';
import { ParkedChanges } from '../../mqtt-sync/subscriber/parked-changes.js';
import type { IncomingMessage } from '../../mqtt-sync/wire/decode-change.js';
import { serviceSettings } from '../service-settings.js';
import { ParkedModule } from './parked.module.js';

const PATH = '/api/mqtt/reliable-sync/parked';
const TOKEN = 'harbour-light';

const serve = (parked: ParkedChanges, ingressToken?: string) =>
  serveWith(ParkedModule.forRoot(serviceSettings.parse({ ingressToken })), {
    provide: ParkedChanges,
    useValue: parked,
  });

function problemIn({ headers, text }: { headers: Record<string, string>; text: string }): unknown {
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  return JSON.parse(text);
}

describe('parked messages over HTTP', () => {
  let inbox: Inbox;
  let parked: ParkedChanges;
  let http: Awaited<ReturnType<typeof serve>>;
  let again: IncomingMessage[];
  let handler: () => Promise<void>;

  beforeEach(async () => {
    ({ inbox } = await openInbox(memoryInbox));
    again = [];
    handler = () => Promise.resolve();
    parked = new ParkedChanges(inbox, { handleAgain: (message) => (again.push(message), handler()) });
    http = await serve(parked);
    await inbox.park(parkedDraft(change(1), '{"data":{"id":"C-1"}}'));
    await inbox.park(parkedDraft(undefined, '{'));
    await inbox.park(parkedDraft(change(3)));
  });

  it('lists them with their story and without their payload', async () => {
    const answer = await http.get(PATH);
    expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.body).toMatchObject({ total: 3, parked: [{ position: 1 }, { position: 2 }, { position: 3 }] });
    const [first, second] = (answer.body as { parked: object[] }).parked;
    expect(first).toEqual({
      ...{ position: 1, topic: 'vessel/sync/crew', qos: 1, retained: false, reason: 'handler_failed' },
      ...{ error: 'the database is closed', attempts: 3, parkedAt: '2026-01-01T00:00:00.000Z', retryable: true },
      ...{ vesselId: 'mv-aurora', epoch: 7, sequence: 1, entity: 'crew', key: 'k', bytes: 21 },
      messageId: expect.any(String) as string,
    });
    expect(second).toMatchObject({ reason: 'not_parsable', retryable: false });
    expect(second).not.toHaveProperty('vesselId');
  });

  it('lists them page by page', async () => {
    const first = await http.get(`${PATH}?limit=2`);
    expect(first.body).toMatchObject({ total: 3, next: 2, parked: [{ position: 1 }, { position: 2 }] });
    const second = await http.get(`${PATH}?limit=2&after=2`);
    expect(second.body).toMatchObject({ parked: [{ position: 3 }] });
    expect(second.body).not.toHaveProperty('next');
    expect(problemIn(await http.get(`${PATH}?limit=0`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  });

  it('shows one with its payload, whatever it is', async () => {
    expect((await http.get(`${PATH}/1`)).body).toMatchObject({ payload: { data: { id: 'C-1' } } });
    expect((await http.get(`${PATH}/2`)).body).toMatchObject({ payload: '{' });
  });

  it('hands one to the handlers again, and forgets it when they succeed', async () => {
    const answer = await http.post(`${PATH}/1/retry`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(again).toMatchObject([{ topic: 'vessel/sync/crew', qos: 1, retained: false }]);
    expect((await http.get(PATH)).body).toMatchObject({ total: 2 });
    // It stays known: the broker may still have a copy.
    expect(inbox.isKnown(change(1))).toBe(true);
  });

  it('keeps one whose handler fails again, and says why', async () => {
    handler = () => Promise.reject(new Error('still closed'));
    const problem = problemIn(await http.post(`${PATH}/1/retry`));
    expect(problem).toMatchObject({
      status: 409,
      code: 'PARKED_RETRY_FAILED',
      detail: expect.stringContaining('still closed') as string,
    });
    handler = () => Promise.reject(new ChangeInvalidError('It cannot be read.'));
    expect(problemIn(await http.post(`${PATH}/2/retry`))).toMatchObject({ status: 409 });
    handler = () => Promise.reject(new NotSubscribedError('Nobody handles "crew".'));
    expect(problemIn(await http.post(`${PATH}/1/retry`))).toMatchObject({
      status: 409,
      detail: expect.stringContaining('Nobody handles') as string,
    });
    handler = () => Promise.reject(new StoppingError('Stopping.'));
    expect(problemIn(await http.post(`${PATH}/1/retry`))).toMatchObject({ status: 503 });
    expect(parked.count).toBe(3);
  });

  it('handles one once when it is asked for twice at the same time', async () => {
    let finish = () => {};
    handler = () => new Promise((resolve) => (finish = resolve));
    const both = [parked.retry(1), parked.retry(1)];
    finish();
    expect(await Promise.all(both)).toEqual([true, true]);
    expect(again).toHaveLength(1);
    expect(await parked.retry(1)).toBe(false);
  });

  it('discards one for good', async () => {
    expect((await http.delete(`${PATH}/3`)).status).toBe(204);
    expect(problemIn(await http.delete(`${PATH}/3`))).toMatchObject({ status: 404, code: 'PARKED_NOT_FOUND' });
    expect(inbox.isKnown(change(3))).toBe(true);
  });

  it('answers 404 for one that there is not, and 400 for what is no position', async () => {
    for (const answer of [
      await http.get(`${PATH}/9`),
      await http.post(`${PATH}/9/retry`),
      await http.get(`${PATH}/0`),
    ]) {
      expect(problemIn(answer)).toMatchObject({ status: 404, code: 'PARKED_NOT_FOUND' });
    }
    expect(problemIn(await http.get(`${PATH}/first`))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  });

  it('needs the token for everything, where one is set', async () => {
    http = await serve(parked, TOKEN);
    for (const ask of [
      () => http.get(PATH),
      () => http.get(`${PATH}/1`),
      () => http.post(`${PATH}/1/retry`),
      () => http.delete(`${PATH}/1`),
    ]) {
      expect(problemIn(await ask())).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    }
    expect((await http.get(PATH).set('Authorization', `Bearer ${TOKEN}`)).status).toBe(200);
  });
});

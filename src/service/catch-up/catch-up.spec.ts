import { describe, expect, it } from 'vitest';
import { serveWith } from '../../../test/helpers/http-application.js';
import { CatchUpInvalidError, CatchUpNotSentError, StoppingError } from '../../mqtt-sync/errors.js';
import { MQTT_SYNC_OPTIONS } from '../../mqtt-sync/mqtt-sync.module-definition.js';
import { resolveOptions } from '../../mqtt-sync/resolve-options.js';
import { CatchUp } from '../../mqtt-sync/subscriber/catch-up/catch-up.js';
import { serviceSettings } from '../service-settings.js';
import { CatchUpModule } from './catch-up.module.js';

const PATH = '/api/mqtt/reliable-sync/catchup';
const TOKEN = 'harbour-light';
const QUERY = { vesselId: 'mv-aurora', entity: 'work_orders' };

/** Serves requests; `ask` decides what becomes of them. */
function serve(ask: (query: unknown) => Promise<string>, ingressToken?: string, localMode = true) {
  const catchUp: Pick<CatchUp, 'ask'> = { ask };
  return serveWith(
    CatchUpModule.forRoot(serviceSettings.parse({ ingressToken })),
    { provide: CatchUp, useValue: catchUp },
    { provide: MQTT_SYNC_OPTIONS, useValue: resolveOptions({ localMode }) },
  );
}

describe('a request for catch-up over HTTP', () => {
  it('is answered with its id when the broker has it', async () => {
    const asked: unknown[] = [];
    const http = await serve((query) => Promise.resolve((asked.push(query), 'ask-1')));
    const answer = await http.post(PATH).send(QUERY);
    expect([answer.status, answer.body]).toEqual([202, { requestId: 'ask-1' }]);
    expect(asked).toEqual([QUERY]);
  });

  it.each([
    [new CatchUpNotSentError('The request is not sent: there is no connection.'), 503, 'CATCH_UP_NOT_SENT'],
    [new StoppingError('The process is stopping.'), 503, 'STOPPING'],
    [new CatchUpInvalidError('Cannot ask for this: limit.'), 400, 'CATCH_UP_INVALID'],
  ])('says why it could not be handed over: %s', async (error, status, code) => {
    const http = await serve(() => Promise.reject(error));
    const answer = await http.post(PATH).send(QUERY);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      status,
      expect.objectContaining({ status, code, detail: error.message }),
    ]);
    // Whoever may try again is told when.
    expect('retry-after' in answer.headers).toBe(status === 503);
  });

  it('is refused while sync is off: there is no connection, and never will be', async () => {
    const http = await serve(() => Promise.resolve('ask-1'), undefined, false);
    const answer = await http.post(PATH).send(QUERY);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([409, { code: 'SYNC_OFF' }]);
  });

  it('needs the token where there is one', async () => {
    let asked = 0;
    const http = await serve(() => Promise.resolve(`ask-${++asked}`), TOKEN);
    for (const authorization of [undefined, 'Bearer wrong', TOKEN]) {
      const ask = http.post(PATH);
      const answer = await (authorization ? ask.set('Authorization', authorization) : ask).send(QUERY);
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([401, { code: 'UNAUTHORIZED' }]);
    }
    expect(asked).toBe(0);
    expect((await http.post(PATH).set('Authorization', `Bearer ${TOKEN}`).send(QUERY)).status).toBe(202);
  });
});

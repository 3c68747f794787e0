import { expect, it, describe } from 'vitest';
import type { DeadLetterList } from '../../src/service/dead-letters/dead-letters.controller.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { metricOf, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';

const LETTERS = '/api/mqtt/reliable-sync/dead-letters';
const NOT_AUTHORISED = 0x87;

const crew = (name: string) => ({ entity: 'crew', operation: 'update', key: name, data: { id: name } });

/** A service whose broker takes no changes of the crew, for as long as the test likes; it has set two of them aside. */
async function setScene() {
  const law = { forbids: true };
  const broker = await ScriptedBroker.start({
    ack: (packet) => (law.forbids && packet.cmd === 'publish' && packet.topic.endsWith('/crew') ? NOT_AUTHORISED : 0),
  });
  const service = await ServiceProcess.start({ MQTT_BROKER_URL: broker.url, MQTT_QUEUE_DIR: temporaryFolder() });
  for (const name of ['ada', 'bo']) expect((await service.post(crew(name))).status).toBe(202);
  const letters = async () => (await service.request(LETTERS)).body as DeadLetterList;
  await until(async () => (await letters()).total === 2, { what: 'two dead letters' });
  const arrived = (name: string) =>
    broker.packets('publish').filter(({ payload }) => payload.toString().includes(`"id":"${name}"`)).length;
  return { law, service, letters, arrived };
}

describe('dead letters of the started service', () => {
  it('are listed with their story, and shown with their payload on demand', async () => {
    const { service, letters } = await setScene();
    const { deadLetters } = await letters();
    expect(deadLetters).toMatchObject([
      { entity: 'crew', key: 'ada', sequence: 1, reason: 'refused', reasonCode: NOT_AUTHORISED, attempts: 1 },
      { entity: 'crew', key: 'bo', sequence: 2 },
    ]);
    expect(JSON.stringify(deadLetters)).not.toContain('"data"');
    const { body } = await service.request(`${LETTERS}/${deadLetters[0]!.position}`);
    expect(body).toMatchObject({ payload: { type: 'data_change', data: { id: 'ada' } } });
    expect((await service.request(`${LETTERS}/999`)).body).toMatchObject({
      status: 404,
      code: 'DEAD_LETTER_NOT_FOUND',
    });
  });

  it('are sent again at once when they are retried, and nothing else has to happen for that', async () => {
    const { law, service, letters, arrived } = await setScene();
    const [ada] = (await letters()).deadLetters;
    law.forbids = false;
    const answer = await service.request(`${LETTERS}/${ada!.position}/retry`, { method: 'POST' });
    expect([answer.status, answer.body]).toEqual([202, { messageId: ada!.messageId, sequence: 1 }]);
    await until(() => arrived('ada') === 2, { what: 'the dead letter to be sent again' });
    await service.untilHealth('its delivery', ({ detailedMetrics }) => detailedMetrics.messagesPublished === 1);
    expect((await letters()).deadLetters).toMatchObject([{ key: 'bo' }]);
  });

  it('come back when the broker still refuses, and are gone when they are discarded', async () => {
    const { service, letters } = await setScene();
    const [ada] = (await letters()).deadLetters;
    await service.request(`${LETTERS}/${ada!.position}/retry`, { method: 'POST' });
    const again = await until(
      async () =>
        (await letters()).deadLetters.find(({ key, position }) => key === 'ada' && position !== ada!.position),
      {
        what: 'it to be refused again',
      },
    );
    expect((await service.request(`${LETTERS}/${again.position}`, { method: 'DELETE' })).status).toBe(204);
    expect((await letters()).deadLetters).toMatchObject([{ key: 'bo' }]);
    expect(metricOf(await service.metrics(), 'arus_sync_dead_letters')).toBe(1);
  });
});

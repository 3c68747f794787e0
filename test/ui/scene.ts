import type { Page } from 'playwright-core';
import type { DeadLetterList } from '../../src/service/dead-letters/dead-letters.controller.js';
import type { Mosquitto } from '../helpers/mosquitto.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { type Environment, ServiceProcess, temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';

export const TOKEN = 'harbour-light-4711';
const NOT_AUTHORISED = 0x87;
const LETTERS = '/api/mqtt/reliable-sync/dead-letters';
const AUTHORISED = { Authorization: `Bearer ${TOKEN}` };

/** The service as a ship has it, with the token set. */
export function startService(broker: { readonly url: string }, env: Environment = {}): Promise<ServiceProcess> {
  return ServiceProcess.start({
    MQTT_BROKER_URL: broker.url,
    MQTT_QUEUE_DIR: temporaryFolder(),
    VESSEL_ID: 'mv-aurora',
    SYNC_INGRESS_TOKEN: TOKEN,
    ...env,
  });
}

/** Posts changes of one entity type, one for each key. */
export async function post(service: ServiceProcess, entity: string, keys: readonly string[]): Promise<void> {
  const changes = keys.map((key) => ({ entity, operation: 'update', key, data: { id: key, note: `about ${key}` } }));
  const { status, text } = await service.post(changes, AUTHORISED);
  if (status !== 202) throw new Error(`The service answered ${status}: ${text}`);
}

/** A service with one dead letter for each key, and a broker that takes the crew's changes once the law allows it. */
export async function sceneWithDeadLetters(keys: readonly string[]) {
  const law = { forbids: true };
  const broker = await ScriptedBroker.start({
    ack: (packet) => (law.forbids && packet.cmd === 'publish' && packet.topic.endsWith('/crew') ? NOT_AUTHORISED : 0),
  });
  const service = await startService(broker);
  const letters = async () => (await service.request(LETTERS, { headers: AUTHORISED })).body as DeadLetterList;
  for (const key of keys) await post(service, 'crew', [key]);
  await until(async () => (await letters()).total === keys.length, { what: 'the dead letters' });
  return { law, service, letters };
}

/** Answers the page's question for the token. */
export async function giveToken(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Use it' }).click();
}

/** Opens the list of dead letters. */
export async function showLetters(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Show the list' }).click();
  await giveToken(page);
  await page.locator('#letters > li').first().waitFor();
}

/** The verdict of one of the three cards: `safe`, `moving` or `late`. */
export const verdict = (page: Page, card: string): Promise<string | null> =>
  page.locator(`#${card} strong`).textContent();

/** Ends the broker as a crash would, and waits until the page says so. */
export async function loseBroker(page: Page, broker: Mosquitto): Promise<void> {
  await broker.kill();
  await page.locator('#moving[data-level=warn]').waitFor();
}

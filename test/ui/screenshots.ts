import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launchChromium, openPage } from '../helpers/chromium.js';
import { Mosquitto } from '../helpers/mosquitto.js';
import { type ServiceProcess } from '../helpers/service-process.js';
import { post, showLetters, startService } from './scene.js';

/** Run by `npm run screenshots`: takes the pictures of the documents from the service as it is. */
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const TIME_LAPSE = fileURLToPath(new URL('time-lapse.mjs', import.meta.url));
const MOST_BYTES = 150_000;

const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1120, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1120, height: 860 } },
  phone: { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
} as const;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A broker where the vessel may not tell of its crew. */
function startBroker(): Promise<Mosquitto> {
  return Mosquitto.start({
    config: (folder) => {
      writeFileSync(join(folder, 'acl'), 'topic deny vessel/sync/crew\ntopic readwrite #\n');
      return `allow_anonymous true\nacl_file ${join(folder, 'acl')}`;
    },
  });
}

/** A ship at work, until the test ends. */
function startTraffic(service: ServiceProcess): void {
  let count = 0;
  const timer = setInterval(() => {
    count++;
    const entity = count % 11 === 0 ? 'alerts' : ['work_orders', 'equipment', 'maintenance'][count % 3]!;
    const keys = Array.from({ length: 1 + (count % 4) }, (_, index) => `${entity}-${(count + index) % 40}`);
    post(service, entity, keys).catch(() => undefined);
  }, 150);
  onTestFinished(() => clearInterval(timer));
}

async function take(pages: Readonly<Record<string, Page>>, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const [look, page] of Object.entries(pages)) {
    const path = join(FOLDER, `operator-page-${name}-${look}.png`);
    await page.screenshot({ path });
    expect(statSync(path).size, path).toBeLessThan(MOST_BYTES);
  }
}

describe('the pictures of the documents', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it('are taken', { timeout: 240_000 }, async () => {
    const broker = await startBroker();
    const service = await startService(broker, { NODE_OPTIONS: `--import=${TIME_LAPSE}` });
    const pages: Record<string, Page> = {};
    for (const [look, options] of Object.entries(LOOKS)) {
      pages[look] = await openPage(browser, `${service.url}/ui`, { ...options, deviceScaleFactor: 1 });
    }
    startTraffic(service);
    await pause(9000);
    await broker.kill();
    await pause(3000);
    await broker.restart();
    await pause(14_000);
    await take(pages, 'connected');
    await post(service, 'crew', ['c-1042']);
    await post(service, 'crew', ['c-2077', 'c-1042']);
    await pages['light']!.getByText('3 messages set aside').waitFor();
    for (const page of Object.values(pages)) {
      await showLetters(page);
      await page.getByRole('button', { name: 'Look' }).first().click();
      await page.getByLabel('Payload').first().waitFor();
      await page.locator('#letters-title').evaluate('document.getElementById("letters-title").scrollIntoView()');
    }
    await take(pages, 'dead-letters');
    await broker.kill();
    await pause(7000);
    for (const page of Object.values(pages)) await page.evaluate('scrollTo(0, 0)');
    await take(pages, 'outage');
  });
});

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithChromium, type OpenPage } from '../helpers/chromium.js';
import { Mosquitto } from '../helpers/mosquitto.js';
import type { ServiceProcess } from '../helpers/service-process.js';
import { post, showLetters, startService } from './scene.js';

/** Run by `npm run screenshots`: takes the pictures of the documents from the service as it is. */
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const TIME_LAPSE = fileURLToPath(new URL('time-lapse.mjs', import.meta.url));
const MOST_BYTES = 150_000;

const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1120, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1120, height: 860 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  'phone-dark': { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
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

/** One page at a time, since each is told of everything twenty times as often as it ever is. */
async function take(open: OpenPage, service: ServiceProcess, name: string, prepare: (page: Page) => Promise<void>) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [look, options] of Object.entries(LOOKS)) {
    const page = await open(`${service.url}/ui`, options);
    await prepare(page);
    const path = join(FOLDER, `operator-page-${name}-${look}.png`);
    await page.screenshot({ path });
    await page.close();
    expect(statSync(path).size, path).toBeLessThan(MOST_BYTES);
  }
}

describeWithChromium('the pictures of the documents', (open) => {
  it('are taken', { timeout: 240_000 }, async () => {
    const broker = await startBroker();
    const service = await startService(broker, { NODE_OPTIONS: `--import=${TIME_LAPSE}` });
    startTraffic(service);
    await pause(12_000);
    await broker.kill();
    await pause(4000);
    await broker.restart();
    await pause(16_000);
    await take(open, service, 'connected', (page) => page.locator('#moving[data-level=good]').waitFor());
    await post(service, 'crew', ['c-1042']);
    await post(service, 'crew', ['c-2077', 'c-1042']);
    await take(open, service, 'dead-letters', async (page) => {
      await page.getByText('3 messages set aside').waitFor();
      await showLetters(page);
      await page.getByRole('button', { name: 'Look' }).first().click();
      await page.getByLabel('Payload').first().waitFor();
      await page.evaluate("document.getElementById('letters-title').closest('section').scrollIntoView()");
    });
    await broker.kill();
    await pause(6000);
    await take(open, service, 'outage', (page) =>
      page
        .getByText(/^No connection for/)
        .first()
        .waitFor(),
    );
  });
});

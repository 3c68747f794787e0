import { type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithChromium, launchChromium, openPage } from '../helpers/chromium.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';
import { loseBroker, post, startService, verdict } from './scene.js';

/** What a user of a slow link downloads at most, as it is and not compressed. */
const MOST_BYTES = 50_000;

describeWithChromium('the operator page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  describeWithMosquitto('with a broker', () => {
    it('shows at a glance that all is well, and everything below it', async () => {
      const broker = await Mosquitto.start();
      const service = await startService(broker);
      const page = await openPage(browser, `${service.url}/ui`);
      await page.getByRole('heading', { level: 2, name: 'All is well.' }).waitFor();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('mv-aurora');
      expect([await verdict(page, 'safe'), await verdict(page, 'moving'), await verdict(page, 'late')]).toEqual([
        'Safe',
        'Connected',
        'Up to date',
      ]);
      await post(service, 'work_orders', ['WO-1', 'WO-2', 'WO-3']);
      await page.getByText('3 delivered and 3 accepted in this time.').first().waitFor();
      for (const name of ['History', 'Lanes and limits', 'Connection', 'Lost and told', 'Dead letters']) {
        expect(await page.getByRole('region', { name, exact: true }).count(), name).toBe(1);
      }
      for (const landmark of ['banner', 'main', 'contentinfo'] as const) {
        expect(await page.getByRole(landmark).count(), landmark).toBe(1);
      }
      // Each picture says what it shows.
      const pictures = await page.getByRole('img').all();
      expect(await Promise.all(pictures.map((picture) => picture.getAttribute('aria-label')))).toEqual([
        'No outage in this time.',
        expect.stringMatching(/^(0 now, at most \d|Nothing waited) in this time\.$/) as string,
        '3 delivered and 3 accepted in this time.',
      ]);
      const shown = (await page.locator('main').innerText()).replaceAll(/\s+/g, ' ');
      for (const text of [
        /critical 0 – 0 B normal 0 – 0 B bulk 0 – 0 B/,
        /0 of 10,000, 0 %/,
        /When full The oldest waiting change is dropped/,
        new RegExp(`Broker ${broker.url}`),
        /Subscriptions No subscription is active\./,
        /Nothing was dropped since the start\. The other side knows of every gap\./,
        /None: the broker takes everything\./,
      ]) {
        expect(shown).toMatch(text);
      }
    });

    it('shows an outage as it is: says so, sees the queue grow and drain, and draws it', async () => {
      const broker = await Mosquitto.start();
      const service = await startService(broker);
      const page = await openPage(browser, `${service.url}/ui`);
      await page.getByText('All is well.').first().waitFor();
      await loseBroker(page, broker);
      await page
        .getByText(/^(No connection for|Connecting\.)/)
        .first()
        .waitFor();
      await post(service, 'alerts', ['A-1', 'A-2']);
      await post(service, 'work_orders', ['WO-1', 'WO-2', 'WO-3']);
      await page.getByText('5 waiting changes on disk', { exact: false }).waitFor();
      await page.locator('#lane-critical').getByText('2', { exact: true }).waitFor();
      expect(await page.locator('#lane-normal').innerText()).toMatch(/normal\s+3/);
      await page.locator('#said-connection').getByText('No connection since').waitFor();
      expect(await page.locator('#plot-connection rect.down').count()).toBe(1);
      await broker.restart();
      await page.locator('#moving[data-level=good]').waitFor();
      await page.locator('#late').getByText('Up to date').waitFor();
      await page.locator('#said-connection').getByText('One outage:').waitFor();
      expect(await page.locator('#plot-connection rect.down').count()).toBe(1);
      await page.getByText('Outages as a list').click();
      expect(await page.locator('#outages tr').count()).toBe(1);
      // What waited is in the picture for whoever looks later.
      expect(await page.locator('#said-waiting').textContent()).toBe('0 now, at most 5 in this time.');
      const path = await page.locator('#plot-waiting path.edge').getAttribute('d');
      expect(new Set(path?.match(/ [\d.]+(?=H)/g)).size).toBeGreaterThan(1);
    });
  });

  it('says since when it is stale when the service stops, which its stream does not hold up, and comes back by itself', async () => {
    const port = String(await freePort());
    const env = { MQTT_QUEUE_DIR: temporaryFolder(), PORT: port };
    const nobody = { url: `mqtt://127.0.0.1:${await freePort()}` };
    const service = await startService(nobody, env);
    const page = await openPage(browser, `${service.url}/ui`);
    await page.locator('#moving[data-level=warn]').waitFor();
    const began = performance.now();
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
    expect(performance.now() - began).toBeLessThan(4000);
    expect(service.output).not.toContain('Not everything has ended in time');
    await page
      .getByRole('alert')
      .getByText(/^Stale since \d\d:\d\d:\d\d/)
      .waitFor();
    await startService(nobody, env);
    await page.getByRole('alert').getByText('Stale since').waitFor({ state: 'hidden', timeout: 30_000 });
    // The time between the two lives is told as what it was.
    await until(async () => (await page.locator('#plot-connection rect.off').count()) === 1, {
      what: 'the restart in the timeline',
    });
  });

  it('weighs less than 50 kB, and nothing of it is asked for elsewhere', async () => {
    const service = await startService({ url: 'mqtt://127.0.0.1:1' });
    const page = await openPage(browser, `${service.url}/ui`);
    await page.getByText('mv-aurora').first().waitFor();
    // Page, style, script, icon.
    const bytes = await until(
      async () => {
        const sizes = await page.evaluate<number[]>(
          `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .filter(({ name }) => name.includes('/ui')).map(({ decodedBodySize }) => decodedBodySize)`,
        );
        return sizes.length === 4 ? sizes : undefined;
      },
      { what: 'the four files of the page' },
    );
    expect(bytes.reduce((sum, length) => sum + length, 0)).toBeLessThan(MOST_BYTES);
  });
});

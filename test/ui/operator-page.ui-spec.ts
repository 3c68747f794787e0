import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithChromium } from '../helpers/chromium.js';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { freePort } from '../helpers/ports.js';
import { temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';
import { loseBroker, post, startService, verdict } from './scene.js';

/** What a user of a slow link downloads at most before the page shows everything. */
const MOST_BYTES = 50_000;
/** As many outages as the service tells of. */
const MOST_OUTAGES = 100;
/** The plots of a service that has run for a week: three numbers of five digits in each of 180 + 180 + 168 buckets. */
const FULL_PLOTS_BYTES = (180 + 180 + 168) * 3 * 6;

describeWithChromium('the operator page', (open) => {
  describeWithMosquitto('with a broker', () => {
    it('shows at a glance that all is well, and everything below it', async () => {
      const broker = await Mosquitto.start();
      const service = await startService(broker);
      const page = await open(`${service.url}/ui`);
      await page.getByRole('heading', { level: 2, name: 'All is well.' }).waitFor();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('mv-aurora');
      const cards = ['safe', 'moving', 'late', 'lost'];
      expect(await Promise.all(cards.map((card) => verdict(page, card)))).toEqual([
        'Safe',
        'Connected',
        'Up to date',
        'Nothing',
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
        /Subscriptions 1 subscription granted by the broker\./,
        /\/catchup\/request: requests for changes again, granted by the broker/,
        /Nothing was lost since the start\. The other side knows of every gap\./,
        /None: the broker takes everything\./,
      ]) {
        expect(shown).toMatch(text);
      }
      const terms = await page.locator('#connection dt').allTextContents();
      const values = await page.locator('#connection dd').allTextContents();
      const table = Object.fromEntries(terms.map((term, at) => [term, values[at]]));
      expect(table).toEqual({
        ...{ State: 'connected', Broker: broker.url, Encrypted: 'no', MQTT: '5', 'Last failure': '–' },
        Since: expect.stringMatching(/, (\d+ s|less than a second|\d+ ms)$/) as string,
        Attempts: '0 since the start',
      });
      await page.getByText('Topics that this vessel publishes on').click();
      expect(await page.locator('#topics li').allTextContents()).toEqual(
        expect.arrayContaining(['vessel/sync/work_orders', 'vessel/sync/catchup/#']),
      );
      expect(await page.locator('#service').textContent()).toMatch(
        /^Version \d+\.\d+\.\d+, epoch \d+\. Started .+ ago\.$/,
      );
      // Every link of the page leads somewhere.
      const links = await page.getByRole('contentinfo').getByRole('link').all();
      const targets = await Promise.all(links.map((link) => link.evaluate((anchor: { href: string }) => anchor.href)));
      const answers = await Promise.all(targets.map(async (target) => (await fetch(target)).status));
      expect([targets.length, ...answers]).toEqual([3, 200, 200, 200]);
    });

    it('remembers what was lost before a restart', async () => {
      const [folder, port] = [temporaryFolder(), await freePort()];
      const env = { MQTT_QUEUE_DIR: folder, MQTT_MAX_QUEUE_SIZE: '10' };
      const first = await startService({ url: `mqtt://127.0.0.1:${port}` }, env);
      const keys = (count: number) => Array.from({ length: count }, (_, at) => `WO-${at}`);
      await post(first, 'work_orders', keys(10));
      await post(first, 'work_orders', keys(2));
      first.signal('SIGTERM');
      await first.exit();
      await Mosquitto.start({ port });
      const service = await startService({ url: `mqtt://127.0.0.1:${port}` }, env);
      const page = await open(`${service.url}/ui`);
      const lost = page.locator('#lost[data-level=warn]');
      await lost.getByText('Before the last start').waitFor();
      expect(await lost.innerText()).toMatch(
        /2 lost\s+Before the last start, the last one at .+ The other side knows\./,
      );
      expect(await page.locator('#losses').textContent()).toBe(
        'Nothing was lost since the start. 2 changes lost before it. The other side knows of every gap.',
      );
    });

    it('shows an outage as it is: says so, sees the queue grow and drain, and draws it', async () => {
      const broker = await Mosquitto.start();
      const service = await startService(broker);
      const page = await open(`${service.url}/ui`);
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
      const table = page.locator('#connection');
      await table.getByText(/^(connecting|waiting for the next attempt)$/).waitFor();
      await table.getByText(/ECONNREFUSED/).waitFor();
      await table.getByText(/^[1-9]\d* in this outage, [1-9]\d* since the start$/).waitFor();
      await page.getByText('1 subscription granted by the broker at the last connection.').waitFor();
      expect(await page.locator('#requests').innerText()).toMatch(/granted by the broker at the last connection$/);
      await broker.restart();
      await page.locator('#moving[data-level=good]').waitFor();
      await page.locator('#late').getByText('Up to date').waitFor();
      await page.locator('#said-connection').getByText('One outage:').waitFor();
      expect(await page.locator('#plot-connection rect.down').count()).toBe(1);
      await page.getByText('Outages as a list').click();
      expect(await page.locator('#outages tr').count()).toBe(1);
      expect(await page.locator('#outages td').allTextContents()).toEqual([
        expect.stringMatching(/^\d\d:\d\d$/),
        expect.stringMatching(/^(under 1 s|\d+ s)$/),
        expect.stringMatching(/closed|ECONNRE/),
      ]);
      // What waited is in the picture for whoever looks later.
      expect(await page.locator('#said-waiting').textContent()).toBe('0 now, at most 5 in this time.');
      const heights = async () => {
        const path = await page.locator('#plot-waiting path.edge').getAttribute('d');
        return new Set(path?.match(/ [\d.]+(?=H)/g)).size;
      };
      // All of it may have been in one piece of 5 s, which is drawn as high as it ever was.
      await until(async () => (await heights()) > 1, { deadlineMs: 15_000, what: 'a line that has gone down again' });
    });

    it('says that changes are being lost while a full queue drops, which ones, and when the other side knows', async () => {
      const port = await freePort();
      const service = await startService({ url: `mqtt://127.0.0.1:${port}` }, { MQTT_MAX_QUEUE_SIZE: '10' });
      const page = await open(`${service.url}/ui`);
      await page.locator('#moving[data-level=warn]').waitFor();
      const keys = (count: number) => Array.from({ length: count }, (_, at) => `WO-${at}`);
      await post(service, 'work_orders', keys(9));
      await page.locator('#safe[data-level=warn]').getByText('Filling up').waitFor();
      await post(service, 'work_orders', keys(4));
      await page.locator('#lost[data-level=bad]').getByText('Losing changes').waitFor();
      await page.getByRole('heading', { level: 2, name: /^Changes are being lost: the queue is full\./ }).waitFor();
      expect(await page.locator('#safe[data-level=bad]').innerText()).toMatch(
        /Full\s+100 % full: the oldest waiting change is dropped for each new one\./,
      );
      expect(await page.locator('#lost p').textContent()).toMatch(
        /^3 changes since the start, the last .+\. 3 not told to the other side yet\.$/,
      );
      expect(await page.locator('#losses').textContent()).toMatch(
        /^Since the start: 3 changes dropped\. 3 sequence numbers lost/,
      );
      expect(await page.locator('#gaps').innerText()).toBe('work_orders, sequences 1 to 3: dropped for want of room');
      await Mosquitto.start({ port });
      await page.locator('#lost').getByText('The other side knows.').waitFor();
      expect(await page.locator('#gaps li').count()).toBe(0);
      // The page of whoever comes to look does not say that all is well just because there is room again.
      await page.locator('#safe[data-level=good]').waitFor();
      expect(await page.locator('#lost').getAttribute('data-level')).toBe('bad');
    });
  });

  it('says that sync is turned off, in every card and in the table of the connection', async () => {
    const service = await startService({ url: 'mqtt://127.0.0.1:1' }, { LOCAL_MODE: 'false' });
    const page = await open(`${service.url}/ui`);
    await page.getByRole('heading', { level: 2, name: 'Sync is turned off.' }).waitFor();
    const cards = ['safe', 'moving', 'late', 'lost'];
    expect(await Promise.all(cards.map((card) => verdict(page, card)))).toEqual(['Off', 'Off', 'Off', 'Off']);
    expect(await page.locator('#connection dd').first().textContent()).toBe('turned off');
    for (const id of ['said-waiting', 'losses', 'letters-said']) {
      expect(await page.locator(`#${id}`).textContent(), id).toBe('Not in use: sync is off.');
    }
  });

  it('says that nothing is known of a queue that is not open, in every place that would tell of it', async () => {
    const service = await startService({ url: 'mqtt://127.0.0.1:1' }, { MQTT_QUEUE_DIR: '/dev/null/queue' });
    const page = await open(`${service.url}/ui`);
    await page.getByText('Changes cannot be accepted. Somebody has to act.').waitFor();
    const cards = ['safe', 'moving', 'late', 'lost'];
    expect(await Promise.all(cards.map((card) => verdict(page, card)))).toEqual([
      ...['Not accepting', 'Waits for the queue', 'Unknown', 'Unknown'],
    ]);
    for (const id of ['said-waiting', 'losses', 'letters-said']) {
      expect(await page.locator(`#${id}`).textContent(), id).toBe('Unknown: the queue is not open.');
    }
    expect(await page.locator('#connection dd').first().textContent()).toBe('waits for the queue');
    expect(await page.locator('#lane-normal td').allTextContents()).toEqual(['–', '–', '–']);
    expect(await page.locator('#fill .number').allTextContents()).toEqual(['– of 10,000', '– of 1.1 GB']);
    expect(await page.getByRole('meter').count()).toBe(0);
    expect(await page.locator('#limits').innerText()).toMatch(/Store\s+on disk, not open/);
  });

  it('says since when it is stale when the service stops, which its stream does not hold up, and comes back by itself', async () => {
    const port = String(await freePort());
    const env = { MQTT_QUEUE_DIR: temporaryFolder(), PORT: port };
    const nobody = { url: `mqtt://127.0.0.1:${await freePort()}` };
    const service = await startService(nobody, env);
    const page = await open(`${service.url}/ui`);
    await page.locator('#moving[data-level=warn]').waitFor();
    service.signal('SIGTERM');
    expect(await service.exit()).toBe(0);
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

  it('weighs less than 50 kB with all that it shows of a bad week, and nothing of it is asked for elsewhere', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'outages.json'), JSON.stringify(badWeek()));
    const env = { MQTT_QUEUE_DIR: folder, MQTT_MAX_QUEUE_SIZE: '10' };
    const service = await startService({ url: 'mqtt://127.0.0.1:1' }, env);
    // More kinds of changes than there is room for: a gap for each of those that go.
    for (let type = 0; type < 40; type++) await post(service, `entity_type_number_${type}`, ['K-1']);
    const page = await open(`${service.url}/ui`);
    await page.getByText('mv-aurora').first().waitFor();
    expect(await page.locator('#gaps li').count()).toBe(21);
    expect(await page.locator('#gaps li').last().textContent()).toBe('and 10 more');
    await page.locator('#outages tr').nth(20).waitFor({ state: 'attached' });
    // Page, style, script, icon; the parts that move are asked for by their own address.
    const files = await until(
      async () => {
        const sizes = await page.evaluate<{ name: string; sent: number }[]>(
          `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .map(({ name, encodedBodySize }) => ({ name, sent: encodedBodySize }))`,
        );
        return sizes.filter(({ name }) => name.includes('/ui')).length === 4 ? sizes : undefined;
      },
      { what: 'the four files of the page' },
    );
    expect(files.every(({ name }) => name.startsWith(service.url!))).toBe(true);
    const sent = files.filter(({ name }) => name.includes('/ui')).reduce((sum, { sent: bytes }) => sum + bytes, 0);
    // The whole of it is looked at, not only the last quarter of an hour.
    await page.getByLabel('7 days').check();
    await page
      .locator('#said-connection')
      .getByText(/^No connection since .+ 9\d other outages in this time\.$/)
      .waitFor();
    expect(await page.locator('#plot-connection rect.down').count()).toBeGreaterThan(90);
    expect(await page.locator('#rate-unit').textContent()).toBe('an hour');
    await page.getByLabel('6 hours').check();
    await page
      .locator('#said-connection')
      .getByText(/^No connection since/)
      .waitFor();
    expect(await page.locator('#plot-connection rect.down').count()).toBeLessThan(20);
    const snapshot = Buffer.byteLength(await firstDocument(service.url!));
    expect(sent).toBeGreaterThan(0);
    expect(snapshot).toBeGreaterThan(MOST_OUTAGES * 100);
    expect(sent + snapshot + FULL_PLOTS_BYTES).toBeLessThan(MOST_BYTES);
  });
});

/** As many outages as are kept, each with what a refusal of the network says. */
function badWeek() {
  const day = 24 * 3600 * 1000;
  const since = Date.now() - 7 * day;
  const outages = Array.from({ length: MOST_OUTAGES }, (_, at) => ({
    kind: 'disconnected',
    fromMs: since + at * 90 * 60_000,
    toMs: since + at * 90 * 60_000 + 70_000,
    // As for a name with several addresses.
    reason: 'connect ECONNREFUSED 2001:db8:85a3::8a2e:370:7334:8883; '.repeat(4),
    count: 1,
  }));
  return { version: 1, sinceMs: since, outages };
}

/** What the event stream says first. */
async function firstDocument(url: string): Promise<string> {
  const leave = new AbortController();
  const { body } = await fetch(`${url}/api/mqtt/reliable-sync/events`, { signal: leave.signal });
  let text = '';
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (/^data: .*\n\n/m.test(text)) break;
  }
  leave.abort();
  return text;
}

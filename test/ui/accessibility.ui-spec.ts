import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeWithChromium } from '../helpers/chromium.js';
import { until } from '../helpers/wait.js';
import { sceneWithDeadLetters, showLetters, startService } from './scene.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SMALL_PHONE = { width: 360, height: 740 };
const SMALLEST = { width: 320, height: 640 };
const WIDE = { width: 1280, height: 900 };

/** What axe finds, in a line each. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate<AxeResults>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  );
  // It looked at something.
  expect(passes.length).toBeGreaterThan(10);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
}

/**
 * What is in more than one line of the table of the lanes where its numbers are as long as they come, and how far it sticks
 * out of its card. In one go: the page writes its own numbers every second. A duration may be parted between its words.
 */
const LONGEST_LANES = `(() => {
  const table = document.querySelector('.lanes');
  for (const [at, text] of ['1,000,000', '23 h 59 min', '999 MB'].entries()) {
    for (const cell of table.querySelectorAll('td:nth-child(' + (at + 2) + ')')) cell.textContent = text;
  }
  const range = document.createRange();
  const isBroken = (cell) => {
    range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(({ top }) => top)).size > 1;
  };
  const broken = [...table.querySelectorAll('th, td:not(:nth-child(3))')].filter(isBroken);
  return { broken: broken.map(({ textContent }) => textContent), sticksOut: table.scrollWidth - table.clientWidth };
})()`;

/** Keys of legends that stand in another line than their word. */
const PARTED_KEYS = `(() => {
  const range = document.createRange();
  const isParted = (key) => {
    range.selectNodeContents(key.nextSibling);
    const [word] = range.getClientRects();
    return range.getClientRects().length > 1 || key.getBoundingClientRect().bottom < word.top;
  };
  const keys = [...document.querySelectorAll('.legend .key')];
  return keys.filter(isParted).map((key) => key.nextSibling.textContent);
})()`;

const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');

describeWithChromium('the operator page is for everybody', (open) => {
  it.each(['light', 'dark'] as const)(
    'has no fault that axe finds in %s, without connection and when asked',
    async (colorScheme) => {
      // Long names are where pages break.
      const { service } = await sceneWithDeadLetters(['ada', `key-${'long'.repeat(60)}`]);
      const page = await open(`${service.url}/ui`, { colorScheme, viewport: WIDE });
      await page.getByText('2 messages set aside').waitFor();
      await page.getByText('Outages as a list').click();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Show the list' }).click();
      await page.getByLabel('Token', { exact: true }).waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await showLetters(page);
      await page.getByRole('button', { name: 'Look' }).first().click();
      await page.getByLabel('Payload').first().waitFor();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Discard' }).first().click();
      expect(await faultsOf(page)).toEqual([]);
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.setViewportSize(SMALL_PHONE);
      expect(await faultsOf(page)).toEqual([]);
      expect(await overflow(page)).toBe(0);
    },
  );

  it('says what is wrong in red words when changes cannot be accepted, and when the service is gone', async () => {
    const nobody = { url: 'mqtt://127.0.0.1:1' };
    const service = await startService(nobody, { MQTT_QUEUE_DIR: '/dev/null/queue' });
    const page = await open(`${service.url}/ui`, { colorScheme: 'dark', viewport: SMALL_PHONE });
    await page.getByText('Changes cannot be accepted. Somebody has to act.').waitFor();
    expect(await page.locator('#safe').innerText()).toMatch(/Not accepting[\s\S]*the queue is not open/);
    expect(await faultsOf(page)).toEqual([]);
    await service.kill();
    await page.getByRole('alert').getByText('Stale since').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  it('breaks no word of the lanes, and parts no key of a legend from its word, on the smallest phone', async () => {
    const service = await startService({ url: 'mqtt://127.0.0.1:1' });
    const page = await open(`${service.url}/ui`, { viewport: SMALLEST });
    await page.locator('#lane-normal').getByText('0', { exact: true }).waitFor();
    expect(await page.evaluate(LONGEST_LANES)).toEqual({ broken: [], sticksOut: 0 });
    expect(await page.evaluate(PARTED_KEYS)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  it('reads out what changes in kind, and not every number', async () => {
    const service = await startService({ url: 'mqtt://127.0.0.1:1' });
    const page = await open(`${service.url}/ui`);
    const said: string[] = [];
    await page.exposeFunction('heard', (text: string) => said.push(text));
    await page.evaluate(
      "new MutationObserver(() => heard(document.getElementById('announcement').textContent)).observe(document.getElementById('announcement'), { childList: true })",
    );
    await page.getByText(/^No connection for 1[2-9] s/).waitFor({ timeout: 30_000 });
    await until(() => said.includes('No connection.'), { what: 'something to be read out' });
    // The page may be there before the first attempt has failed.
    if (said[0] === 'Connecting.') said.shift();
    expect(said).toEqual(['No connection.']);
  });

  it('is not read out as well when it is turned off, or has dead letters', async () => {
    const off = await startService({ url: 'mqtt://127.0.0.1:1' }, { LOCAL_MODE: 'false' });
    const page = await open(`${off.url}/ui`);
    await page.locator('#announcement').getByText('Sync is turned off.').waitFor({ state: 'attached' });
    expect(await page.title()).toBe('mv-aurora · MQTT Sync');
    const { service } = await sceneWithDeadLetters(['ada', 'bo']);
    const other = await open(`${service.url}/ui`);
    const announcement = other.locator('#announcement');
    await announcement.getByText('Running, with dead letters to look at.').waitFor({ state: 'attached' });
    expect(await other.title()).toBe('⚠ mv-aurora · MQTT Sync');
  });
});

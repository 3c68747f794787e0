import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeWithChromium } from '../helpers/chromium.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { temporaryFolder } from '../helpers/service-process.js';
import { until } from '../helpers/wait.js';
import { post, startService } from './scene.js';

const NOBODY = { url: 'mqtt://127.0.0.1:1' };
const QUOTA_EXCEEDED = 0x97;

const keys = (count: number) => Array.from({ length: count }, (_, at) => `WO-${at}`);

/** A list of terms and what they say. */
async function termsOf(page: Page, id: string): Promise<Record<string, string>> {
  const [terms, values] = [page.locator(`#${id} dt`), page.locator(`#${id} dd`)];
  const said = await values.allTextContents();
  return Object.fromEntries((await terms.allTextContents()).map((term, at) => [term, said[at]!]));
}

const cellsOf = (page: Page, lane: string) => page.locator(`#lane-${lane} td`).allTextContents();

describeWithChromium('the numbers of the operator page', (open) => {
  it('say how many wait in each lane, for how long and how large they are, and how full that makes the queue', async () => {
    const bytes = { MQTT_MAX_QUEUE_BYTES: '8192', MQTT_MAX_MESSAGE_BYTES: '4096' };
    const service = await startService(NOBODY, { ...bytes, MQTT_MAX_QUEUE_SIZE: '10', HEALTH_MAX_AGE_S: '1' });
    const page = await open(`${service.url}/ui`);
    await page.locator('#lane-normal').waitFor();
    expect(await cellsOf(page, 'normal')).toEqual(['0', '–', '0 B']);
    await post(service, 'work_orders', keys(9));
    await post(service, 'alerts', ['A-1']);
    await until(async () => (await cellsOf(page, 'normal'))[0] === '9', { what: 'the nine' });
    // The age is that of now, also while nothing new is told.
    await until(async () => /^([2-9]|\d\d) s$/.test((await cellsOf(page, 'normal'))[1]!), {
      what: 'an age of seconds',
    });
    expect(await cellsOf(page, 'normal')).toEqual([
      '9',
      expect.any(String),
      expect.stringMatching(/^[2-4](\.\d)? kB$/),
    ]);
    expect(await cellsOf(page, 'critical')).toEqual(['1', expect.any(String), expect.stringMatching(/^\d{3} B$/)]);
    expect(await cellsOf(page, 'bulk')).toEqual(['0', '–', '0 B']);
    const fill = page.locator('#fill .number');
    expect(await fill.allTextContents()).toEqual([
      '10 of 10, 100 %',
      expect.stringMatching(/^[2-4](\.\d)? kB of 8.2 kB, [3-5]\d %$/),
    ]);
    const meters = page.getByRole('meter');
    expect(await meters.evaluateAll((all: { value: number }[]) => all.map(({ value }) => Math.round(value)))).toEqual([
      100,
      Number(/(\d+) %/.exec((await fill.last().textContent())!)![1]),
    ]);
    expect(await page.getByRole('meter', { name: 'Messages, share of the limit' }).count()).toBe(1);
    await page
      .locator('#late[data-level=warn]')
      .getByText(/ late$/)
      .waitFor();
  });

  it('say every limit, where what waits is kept, and whose clock the times are of', async () => {
    const env = { MQTT_INFLIGHT_WINDOW: '77', MQTT_MAX_MESSAGE_BYTES: '65536', HEALTH_MAX_AGE_S: '120' };
    const onDisk = await startService(NOBODY, { ...env, MQTT_OVERFLOW_POLICY: 'reject' });
    const page = await open(`${onDisk.url}/ui`);
    await page.locator('#limits dd').first().waitFor();
    expect(await termsOf(page, 'limits')).toEqual({
      'When full': 'New changes are refused',
      'In flight': '0, at most 77',
      'Largest message': '66 kB',
      'Late means': 'older than 2 min',
      Store: 'on disk',
    });
    const zone = await page.evaluate<string>('Intl.DateTimeFormat().resolvedOptions().timeZone');
    expect(await page.locator('#zone').textContent()).toBe(`Times are those of this device: ${zone}.`);
    const inMemory = await startService(NOBODY, { MQTT_QUEUE_STORE: 'memory' });
    const other = await open(`${inMemory.url}/ui`);
    await other.locator('#safe[data-level=warn]').getByText('In memory only').waitFor();
    expect(await termsOf(other, 'limits')).toMatchObject({ Store: 'in memory, lost with a restart' });
  });

  it('name what the broker holds back, since when and why', async () => {
    const law = { forbids: true };
    const broker = await ScriptedBroker.start({
      ack: (packet) => (law.forbids && packet.cmd === 'publish' && packet.topic.endsWith('/crew') ? QUOTA_EXCEEDED : 0),
    });
    const service = await startService(broker);
    const page = await open(`${service.url}/ui`);
    await post(service, 'crew', ['ada', 'bo']);
    const card = page.locator('#moving[data-level=warn]');
    await card.getByText('Held back', { exact: true }).waitFor();
    expect(await card.innerText()).toMatch(/crew held back since \d\d:\d\d: .*quota exceeded.*\./i);
    law.forbids = false;
    // "Moving" would still have something to send.
    const atRest = page.locator('#moving[data-level=good]').getByText('Connected', { exact: true });
    await atRest.waitFor({ timeout: 60_000 });
    expect(await cellsOf(page, 'normal')).toEqual(['0', '–', '0 B']);
  });

  it('say that a damaged store was set aside', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'queue.mdb.damaged-2026-11-01T00-00-00-000Z'), 'what is left of it');
    const service = await startService(NOBODY, { MQTT_QUEUE_DIR: folder });
    const page = await open(`${service.url}/ui`);
    await page.locator('#lost[data-level=bad]').getByText('Store lost').waitFor();
    expect(await page.locator('#lost p').textContent()).toMatch(/^A damaged store was set aside: .* The runbook/);
  });
});

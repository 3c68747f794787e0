import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeWithChromium } from '../helpers/chromium.js';
import { until } from '../helpers/wait.js';
import { giveToken, sceneWithDeadLetters, showLetters } from './scene.js';

/** As many are shown at a time. */
const PAGE = 50;

/** What would run, or break out, wherever a text became markup. */
const HOSTILE = `"><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\u202e{{7*7}}`;

const letter = (page: Page, key: string) =>
  page.locator('#letters > li', { has: page.getByRole('heading', { name: `crew update ${key}`, exact: true }) });
const result = (page: Page, text: string) => page.locator('#letters-result').getByText(text).waitFor();
const confirm = (page: Page) => page.getByRole('dialog');

async function discard(page: Page, key: string): Promise<void> {
  await letter(page, key).getByRole('button', { name: 'Discard' }).click();
  await confirm(page).getByRole('button', { name: 'Discard it' }).click();
}

describeWithChromium('the dead letters of the operator page', (open) => {
  it('are counted for everybody, and shown, retried and discarded with the token alone', async () => {
    const { law, service, letters } = await sceneWithDeadLetters(['ada', 'bo', 'cy']);
    const page = await open(`${service.url}/ui`);
    await page.getByText('3 messages set aside').waitFor();
    await page.getByText('The 1,000 newest are kept.').waitFor();
    expect(await page.locator('#letters > li').count()).toBe(0);

    // A wrong token shows nothing, and the page asks again.
    await page.getByRole('button', { name: 'Show the list' }).click();
    await confirm(page).getByText('The list of dead letters, payloads and acting need the token').waitFor();
    await giveToken(page, 'wrong-token');
    await page.getByText('That token is not the right one.').waitFor();
    expect(await page.locator('#letters > li').count()).toBe(0);
    await giveToken(page);
    await until(async () => (await page.locator('#letters > li').count()) === 3, { what: 'the list' });
    expect(await letter(page, 'ada').innerText()).toMatch(/The broker refused it: Not authorized \(0x87\)\./);

    await letter(page, 'ada').getByRole('button', { name: 'Look' }).click();
    await letter(page, 'ada').getByLabel('Payload').getByText('"note": "about ada"').waitFor();

    // Cancelled: nothing happens, and the focus is back where it was.
    const discard = letter(page, 'bo').getByRole('button', { name: 'Discard' });
    await discard.click();
    await confirm(page).getByText('It will never be delivered').waitFor();
    await confirm(page).getByRole('button', { name: 'Cancel' }).click();
    expect(await page.evaluate<string>('document.activeElement.textContent')).toBe('Discard crew update bo');
    expect((await letters()).total).toBe(3);

    await discard.click();
    await confirm(page).getByRole('button', { name: 'Discard it' }).click();
    await result(page, 'crew update bo is discarded.');
    expect((await letters()).deadLetters.map(({ key }) => key)).toEqual(['ada', 'cy']);

    law.forbids = false;
    await letter(page, 'ada').getByRole('button', { name: 'Retry' }).click();
    await confirm(page).getByRole('button', { name: 'Send it again' }).click();
    await result(page, 'crew update ada is back in the queue.');
    await service.untilHealth('its delivery', ({ detailedMetrics }) => detailedMetrics.messagesPublished === 1);
    await page.getByText('1 message set aside').waitFor();
    // A list that was asked for before the retry may still come.
    await until(async () => (await page.locator('#letters > li').count()) === 1, { what: 'a list of one' });

    // The token is in no address, and gone when the user says so.
    expect(page.url()).toBe(`${service.url}/ui`);
    await page.getByRole('button', { name: 'Forget the token' }).click();
    expect(await page.evaluate<number>('sessionStorage.length + localStorage.length')).toBe(0);
    expect(await page.locator('#letters > li').count()).toBe(0);
  });

  it('come page by page, when there are many', async () => {
    const keys = Array.from({ length: PAGE + 3 }, (_, at) => `crew-${at}`);
    const { service } = await sceneWithDeadLetters(keys);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    expect(await page.locator('#letters > li').count()).toBe(PAGE);
    const more = page.getByRole('button', { name: 'Show more' });
    await more.click();
    await page
      .locator('#letters > li')
      .nth(PAGE + 2)
      .waitFor();
    expect(await page.locator('#letters > li').count()).toBe(PAGE + 3);
    expect(await more.isVisible()).toBe(false);
    // Somebody else discards one: what was opened stays open.
    const other = await open(`${service.url}/ui`);
    await showLetters(other);
    await discard(other, 'crew-0');
    await letter(page, 'crew-0').waitFor({ state: 'detached' });
    await letter(page, `crew-${PAGE + 2}`).waitFor();
    expect(await page.locator('#letters > li').count()).toBe(PAGE + 2);
    // With a list that has more pages than are open, too.
    await letter(other, `crew-${PAGE}`).waitFor();
    expect(await other.locator('#letters > li').count()).toBe(PAGE);
  });

  it('are right again when somebody looks at the page, which hears nothing while nobody does', async () => {
    const { service } = await sceneWithDeadLetters(['ada', 'bo']);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    const turn = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await turn(true);
    expect(await page.title()).toBe('⏸ mv-aurora · MQTT Sync');
    const other = await open(`${service.url}/ui`);
    await showLetters(other);
    await discard(other, 'ada');
    await other.getByText('1 message set aside').waitFor();
    expect(await page.locator('#letters > li').count()).toBe(2);
    await turn(false);
    await letter(page, 'ada').waitFor({ state: 'detached' });
    expect(await page.title()).toBe('⚠ mv-aurora · MQTT Sync');
  });

  it('follow what others do while the list is open', async () => {
    const { service } = await sceneWithDeadLetters(['ada', 'bo']);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    const other = await open(`${service.url}/ui`);
    await showLetters(other);
    await discard(other, 'ada');
    await letter(page, 'ada').waitFor({ state: 'detached' });
    expect(await page.locator('#letters > li').count()).toBe(1);
  });

  it('are text, whatever is written in them', async () => {
    const { service } = await sceneWithDeadLetters([HOSTILE]);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    const name = await page.locator('#letters h3').textContent();
    // As it was written, but for the mark that turns the reading direction.
    expect(name).toBe(`crew update ${HOSTILE.replace('\u202e', '\ufffd')}`);
    await page.getByRole('button', { name: 'Look' }).click();
    const payload = () => page.getByLabel('Payload').textContent();
    await until(payload, { what: 'the payload to be shown' });
    expect(await payload()).toContain(`onerror=\\"document.title='owned'\\"`);
    await page.getByRole('button', { name: 'Discard' }).click();
    expect(await page.locator('#confirm-which').textContent()).toContain('<script>');
    expect(await page.title()).not.toContain('owned');
    expect(await page.locator('main img, main script, dialog img, dialog script').count()).toBe(0);
  });

  it('ask anew, and take the answer, when they were cancelled and asked again at once', async () => {
    const { service, letters } = await sceneWithDeadLetters(['ada', 'bo']);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    // In one task, before the event of the first closing comes.
    await page.evaluate(`(() => {
      const discard = document.querySelector('#letters .danger');
      discard.click();
      document.getElementById('confirm').close('no');
      discard.click();
    })()`);
    await confirm(page).getByText('crew update ada').waitFor();
    expect((await letters()).total).toBe(2);
    await confirm(page).getByRole('button', { name: 'Discard it' }).click();
    await result(page, 'crew update ada is discarded.');
    expect((await letters()).deadLetters.map(({ key }) => key)).toEqual(['bo']);
  });

  it('are asked a token for once, however many want it', async () => {
    const { service } = await sceneWithDeadLetters(['ada', 'bo']);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    // The token is changed at the service, and two things are asked for in one task.
    await page.evaluate(`(() => {
      for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, 'the-one-before');
      for (const look of document.querySelectorAll('#letters [aria-expanded]')) look.click();
    })()`);
    await page.getByText('That token is not the right one.').waitFor();
    await giveToken(page);
    for (const key of ['ada', 'bo']) await letter(page, key).getByLabel('Payload').getByText(`about ${key}`).waitFor();
  });

  it('can be worked with the keyboard alone', async () => {
    const { service, letters } = await sceneWithDeadLetters(['ada', 'bo']);
    const page = await open(`${service.url}/ui`);
    await page.getByText('2 messages set aside').waitFor();
    const { keyboard } = page;
    const focused = () =>
      page.evaluate<string>("(document.activeElement?.textContent || document.activeElement?.id || '').trim()");
    /** Presses Tab until the focus is on something with this text. */
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 40; presses++) {
        await keyboard.press('Tab');
        if ((await focused()).startsWith(text)) return;
      }
      throw new Error(`No "${text}" within reach of the Tab key; the focus is on "${await focused()}"`);
    };
    await keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await keyboard.press('Enter');
    await tabTo('Show the list');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await focused()).toBe('token');
    await keyboard.type('harbour-light-4711');
    await keyboard.press('Enter');
    await letter(page, 'ada').waitFor();
    await tabTo('Look crew update ada');
    await keyboard.press('Space');
    await letter(page, 'ada').getByLabel('Payload').waitFor();
    await tabTo('Discard crew update ada');
    await keyboard.press('Enter');
    // Whoever presses Enter twice by mistake has cancelled.
    expect(await focused()).toBe('Cancel');
    await keyboard.press('Escape');
    expect(await focused()).toBe('Discard crew update ada');
    await keyboard.press('Enter');
    await tabTo('Discard it');
    await keyboard.press('Enter');
    await result(page, 'crew update ada is discarded.');
    // The focus is on what comes next, and not lost.
    expect(await focused()).toBe('Look crew update bo');
    expect((await letters()).total).toBe(1);
  });
});

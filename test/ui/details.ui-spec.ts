import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { DeadLetterReason } from '../../src/mqtt-sync/queue/reasons.js';
import { damageMessage } from '../contract/damage.js';
import { draft, openOnDisk, take, takeAll, VESSEL } from '../contract/queue-harness.js';
import { describeWithChromium } from '../helpers/chromium.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { temporaryFolder } from '../helpers/service-process.js';
import { showLetters, startService } from './scene.js';

const NOBODY = { url: 'mqtt://127.0.0.1:1' };

/** More than the page shows of a payload at once. */
const LARGE = 'x'.repeat(30_000);

/** What the page says of each reason that a message can be left with. */
const SAID: readonly (readonly [Exclude<DeadLetterReason, 'corrupt'>, RegExp])[] = [
  ['refused', /^The broker refused it: Quota exceeded \(0x97\)\.$/],
  ['too_large_for_broker', /^It is larger than the broker takes\.$/],
  ['broker_hangs_up', /^The broker hangs up on it: Packet too large \(0x95\)\.$/],
  ['cannot_be_encoded', /^It has no MQTT encoding\.$/],
];

/** What the broker said, where it gave a code. */
const CODES: Readonly<Partial<Record<DeadLetterReason, number>>> = { refused: 0x97, broker_hangs_up: 0x95 };

/** A folder with a dead letter for each of those reasons. */
async function lettersOfEachReason(): Promise<string> {
  const dir = join(temporaryFolder(), 'queue');
  const { queue } = await openOnDisk(dir);
  for (const [reason] of SAID) {
    await queue.accept([draft('crew', { messageId: reason, key: reason, dataJson: JSON.stringify({ note: LARGE }) })]);
    queue.setAside(take(queue), { reason, reasonCode: CODES[reason], attempts: 1 });
  }
  await queue.close();
  return dir;
}

describeWithChromium('the details of the operator page', (open) => {
  it('say why each dead letter is one, show the beginning of a large one, and what giving one up means', async () => {
    const env = { MQTT_QUEUE_DIR: await lettersOfEachReason(), VESSEL_ID: VESSEL.vesselId };
    const service = await startService(NOBODY, env);
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    for (const [reason, said] of SAID) {
      const letter = page.locator('#letters > li', { has: page.getByRole('heading', { name: reason }) });
      expect([reason, await letter.locator('p').first().textContent()]).toEqual([reason, expect.stringMatching(said)]);
    }
    const first = page.locator('#letters > li').first();
    await first.getByRole('button', { name: 'Look' }).click();
    const payload = first.getByLabel('Payload');
    await payload.getByText(/… cut; 1\d{4} more characters$/).waitFor();
    expect((await payload.textContent())!.length).toBeLessThan(21_000);
    await first.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard it' }).click();
    await page.locator('#gaps').getByText('a dead letter that was given up').waitFor();
    await page.locator('#losses').getByText('1 dead letter given up by an operator').waitFor();
  });

  it('say of a damaged dead letter that nothing is left of it to show or to send', async () => {
    const dir = join(temporaryFolder(), 'queue');
    const before = await openOnDisk(dir);
    const [accepted] = await before.queue.accept([draft('crew')]);
    await before.queue.close();
    await damageMessage(dir, [0, accepted!.position, 1]);
    const { queue } = await openOnDisk(dir);
    expect(takeAll(queue)).toEqual([]);
    await queue.close();
    const service = await startService(NOBODY, { MQTT_QUEUE_DIR: dir, VESSEL_ID: VESSEL.vesselId });
    const page = await open(`${service.url}/ui`);
    await showLetters(page);
    const letter = page.locator('#letters > li');
    expect(await letter.locator('p').first().textContent()).toBe('Its record on disk is damaged.');
    expect(await letter.getByRole('button', { name: 'Retry' }).isDisabled()).toBe(true);
    await letter.getByRole('button', { name: 'Look' }).click();
    await letter.getByText('The record is damaged: there is nothing to show.').waitFor();
    expect(await page.locator('#gaps').innerText()).toBe('crew, sequence 1: damaged on disk');
    expect(await letter.locator('p').nth(1).textContent()).toContain(' · sequence 1');
  });

  it('say that a subscription is refused, and which MQTT is spoken', async () => {
    const broker = await ScriptedBroker.start({
      onPacket: (packet, connection) => {
        if (packet.cmd !== 'subscribe') return false;
        connection.send({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 0x80) });
        return true;
      },
    });
    const service = await startService(broker, { MQTT_PROTOCOL: '3.1.1' });
    const page = await open(`${service.url}/ui`);
    await page.locator('#subscriptions').getByText('No subscription is active.').waitFor();
    await page
      .locator('#requests')
      .getByText(/catchup\/request: requests for changes again, refused by the broker: nobody can ask there$/)
      .waitFor();
    expect(await page.locator('#connection').innerText()).toMatch(/MQTT\s+3\.1\.1/);
  });

  it('say that the connection is encrypted', async () => {
    const service = await startService({ url: 'mqtts://127.0.0.1:1' });
    const page = await open(`${service.url}/ui`);
    await page.locator('#connection').getByText('yes, TLS').waitFor();
  });
});

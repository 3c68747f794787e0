import { describe, expect, it } from 'vitest';
import { envelope, ReceiverScene } from '../../../test/helpers/receiver-scene.js';
import { until } from '../../../test/helpers/wait.js';
import { QueueUnavailableError } from '../errors.js';

/** What a queue restored from a backup sends once more, in an epoch of its own. */
const RENUMBERED = envelope(1, { epoch: 2, messageId: 'm8' });

async function sceneWithOneHandled() {
  let calls = 0;
  const scene = await ReceiverScene.set();
  scene.receiver.subscribe('work_orders', () => void calls++);
  await scene.start();
  scene.send(1, envelope(8));
  await scene.hasAcknowledged(1);
  return { scene, calls: () => calls };
}

describe('a change that comes again under another number', () => {
  it('is not handled again, but recorded there, so that it is not missing and asked for for ever', async () => {
    const { scene, calls } = await sceneWithOneHandled();
    scene.send(2, RENUMBERED);
    await scene.hasAcknowledged(1, 2);
    expect(scene.inbox.handled).toMatchObject([
      { messageId: 'm8', epoch: 1, sequence: 8 },
      { messageId: 'm8', epoch: 2, sequence: 1 },
    ]);
    scene.send(3, RENUMBERED);
    await scene.hasAcknowledged(1, 2, 3);
    expect(scene.inbox.handled).toHaveLength(2);
    expect(scene.events).toEqual(['change_handled', 'change_repeated', 'change_repeated']);
    expect(calls()).toBe(1);
  });

  it('is acknowledged only when that is recorded', async () => {
    const { scene, calls } = await sceneWithOneHandled();
    scene.inbox.failure = new QueueUnavailableError('no space left on device');
    scene.send(2, RENUMBERED);
    await until(() => scene.receiver.unavailableReason !== undefined, { what: 'the failure' });
    expect(scene.acknowledged).toEqual([1]);
    expect(scene.events).toEqual(['change_handled']);
    scene.inbox.failure = undefined;
    await scene.hasAcknowledged(1, 2);
    expect(scene.events).toEqual(['change_handled', 'change_repeated']);
    expect(calls()).toBe(1);
  });
});

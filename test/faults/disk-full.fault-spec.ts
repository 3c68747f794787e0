import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { until } from '../helpers/wait.js';
import { SmallDisk } from './disk/small-disk.js';
import { storedMessages } from './disk/stored-messages.js';
import type { Counter } from './ship/counter.js';
import { ServiceScene } from './ship/service-scene.js';
import { conclude, recordNotTested } from './summary/record.js';

const DISK_MIB = 48;
/** Changes of 16 KiB fill a small disk within seconds. */
const LARGE = { count: 8, size: 16_384 };
const SMALL = { count: 20 };

const isPossible = SmallDisk.isPossible && findMosquitto() !== undefined;
if (!isPossible) recordNotTested('disk full', 'needs root, to mount a small tmpfs, and a Mosquitto');

async function setScene() {
  const disk = SmallDisk.mount(DISK_MIB);
  const scene = await ServiceScene.set(join(disk.path, 'queue'));
  await scene.link.refuse();
  return { disk, scene, ...scene };
}

/** Waits for what the probe says. */
function ready(counter: Counter, status: number): Promise<boolean> {
  const what = `/health/ready to answer ${status}`;
  return until(async () => (await counter.probe('ready')) === status, { deadlineMs: 30_000, what });
}

describe.skipIf(!isPossible)('A full disk', () => {
  it('makes posts fail with 503 QUEUE_UNAVAILABLE, and nothing answered with 202 is lost; deliveries make room by themselves', async () => {
    const { scene, counter, oracle } = await setScene();
    const service = await scene.start();
    const refused = await counter.postUntilRefused(LARGE);
    expect([refused.status, refused.code], refused.text).toEqual([503, 'QUEUE_UNAVAILABLE']);
    expect(oracle.accepted).toBeGreaterThan(100);
    await ready(counter, 503);
    expect(await counter.probe('live')).toBe(200);
    expect((await counter.health()).reasons).toContain('queue_unavailable');
    await scene.deliver();
    // What was delivered has left room inside the store.
    await ready(counter, 200);
    await counter.postUntilAccepted(SMALL);
    await scene.deliver();
    expect(service.output.match(/The queue cannot accept changes: .*/g)).not.toEqual(null);
    expect(await service.stop()).toBe(0);
    conclude(oracle.report({ name: 'disk full while accepting', everyArrivalIsPromised: true }));
  });

  it('does not keep deliveries from being remembered: nothing is sent again after a kill -9, and accepting begins when room comes', async () => {
    const { disk, scene, counter, oracle, shore } = await setScene();
    const first = await scene.start();
    for (let posts = 0; posts < 50; posts++) expect((await counter.post(SMALL)).status).toBe(202);
    disk.fill();
    expect(disk.freeBytes).toBe(0);
    const refused = await counter.postUntilRefused(LARGE);
    expect(refused.code).toBe('QUEUE_UNAVAILABLE');
    await scene.deliver();
    await until(async () => (await storedMessages(scene.dir)) === 0, {
      deadlineMs: 60_000,
      what: 'the removals to be on disk',
    });
    await first.kill();
    disk.fill();

    const second = scene.launch();
    await until(() => counter.probe('live'), { deadlineMs: 30_000, what: 'the service to start on a full disk' });
    await until(async () => (await counter.health()).mqtt.status === 'connected', { what: 'the connection' });
    expect(await counter.probe('ready')).toBe(503);
    expect((await counter.post(SMALL)).code).toBe('QUEUE_UNAVAILABLE');
    expect((await counter.health()).mqtt.queuedMessages).toBe(0);
    disk.clear();
    await ready(counter, 200);
    await counter.postUntilAccepted(SMALL);
    await scene.deliver();
    await shore.caughtUp();
    // The reserve is whole again, for the next time.
    expect(existsSync(join(scene.dir, 'reserve'))).toBe(true);
    expect(await second.stop()).toBe(0);
    const report = oracle.report({ name: 'disk full while acknowledging, then kill -9', everyArrivalIsPromised: true });
    expect(report.duplicatesOnWire).toBe(0);
    conclude(report);
  });
});

import { expect, it } from 'vitest';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { scale } from './scale.js';
import { ROOM, Scene } from './ship/scene.js';
import { conclude } from './summary/record.js';

/** Packet ids are 16 bits wide and never 0. */
const PACKET_IDS = 65_535;

describeWithMosquitto('A backlog', () => {
  it('of more messages than there are packet ids drains in order, and none is missing', async () => {
    const scene = await Scene.set({ withReceiver: false });
    await scene.link.refuse();
    const options = {
      brokerUrl: scene.link.url,
      vesselId: 'mv-fault',
      reconnectMaxS: 1,
      inflightWindow: PACKET_IDS,
      queue: { dir: scene.dir, ...ROOM },
    };
    const ship = scene.launch({ options, messages: scale.backlog, callers: 1, burst: 4, group: 500, keys: 60 });
    const begunMs = performance.now();
    await ship.says('done', 600_000);
    const acceptedMs = performance.now() - begunMs;
    expect(scene.oracle.accepted).toBeGreaterThan(PACKET_IDS);
    expect(scene.oracle.arrivals).toBe(0);
    await scene.link.accept();
    await ship.says('drained', 1_200_000);
    const drainedMs = performance.now() - begunMs - acceptedMs;
    await scene.shore.settled(scene.oracle);
    expect(await ship.stop()).toBe(0);
    const rate = (ms: number) => Math.round((scene.oracle.accepted / ms) * 1000);
    const notes = [`accepted ${rate(acceptedMs)} a second, drained ${rate(drainedMs)} a second through this listener`];
    conclude(scene.oracle.report({ name: 'backlog drained in order', notes, everyArrivalIsPromised: true }));
  }, 2_400_000);
});

import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { findMosquitto } from '../helpers/mosquitto-process.js';
import { ScriptedBroker } from '../helpers/scripted-broker.js';
import { queueFolder, SyncApplication } from '../helpers/sync-application.js';
import { until } from '../helpers/wait.js';
import { FakeWallClock } from './clock/fake-wall-clock.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scaledMs } from './scale.js';
import { Crew, statisticsOf } from './ship/crew.js';
import { ServiceScene } from './ship/service-scene.js';
import { conclude, recordNotTested } from './summary/record.js';

const DAY_MS = 86_400_000;
/** Back behind the last one, and far ahead, and home again. */
const JUMPS_IN_DAYS = [0, -400, 30, -30, 3650, -1, 0];
const BLOCKED_MS = 10_000;
const DEADLINE_MS = 5000;

const canFakeTime = findMosquitto() !== undefined && FakeWallClock.isPossible;
if (!canFakeTime) recordNotTested('wall clock set back and forward', 'needs libfaketime and a Mosquitto');

describeWithMosquitto('Time', () => {
  it.skipIf(!canFakeTime)(
    'may jump back and forward: ids stay unique, sequences rise by one, and no timer waits for the clock',
    async () => {
      const wallClock = new FakeWallClock();
      const scene = await ServiceScene.set(undefined, wallClock.env);
      const { counter, oracle, link } = scene;
      let service = await scene.start();
      const begunMs = performance.now();
      for (const days of JUMPS_IN_DAYS) {
        wallClock.set(days);
        const toldMs = Date.parse((await counter.health()).timestamp);
        expect(Math.abs(toldMs - Date.now() - days * DAY_MS)).toBeLessThan(DAY_MS / 24);
        // Connected, cut, and without a link: backoff, acknowledgement and gap timers all run meanwhile.
        expect((await counter.post({ count: 50 })).status).toBe(202);
        link.cut();
        await link.refuse();
        expect((await counter.post({ count: 50 })).status).toBe(202);
        wallClock.set(days - 1);
        await scene.deliver();
      }
      expect(performance.now() - begunMs).toBeLessThan(180_000);
      // A start with the clock behind everything that was stored.
      await link.refuse();
      await counter.post({ count: 50 });
      await service.kill();
      wallClock.set(-800);
      service = await scene.start();
      await counter.post({ count: 50 });
      await scene.deliver();
      expect((await counter.health()).status).toBe('healthy');
      expect(await service.stop()).toBe(0);
      const rounds = JUMPS_IN_DAYS.length + 1;
      conclude(oracle.report({ name: 'wall clock set back and forward', rounds, everyArrivalIsPromised: true }));
    },
  );

  it('may stand still: with the event loop blocked for 10 s nothing is lost, and it goes on by itself', async () => {
    const oracle = new Oracle();
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const shore = await FaultShore.listen(broker.url, oracle);
    // The broker gives up on a client that is silent for 1.5 times as long.
    const application = await SyncApplication.start({
      brokerUrl: broker.url,
      keepaliveS: 5,
      queue: { dir: queueFolder() },
    });
    const crew = new Crew(application.publisher, oracle);
    await application.connected();
    for (let round = 0; round < 3; round++) {
      const publishing = crew.publish(200);
      block(scaledMs(BLOCKED_MS));
      await publishing;
      const afterwards = crew.publish(200);
      await afterwards;
      block(scaledMs(BLOCKED_MS));
    }
    await application.drained(60_000);
    await shore.settled(oracle);
    oracle.counters(statisticsOf(application));
    conclude(oracle.report({ name: 'event loop blocked for 10 s', rounds: 6, everyArrivalIsPromised: true }));
  });

  it('may stand still for the whole process: stopped for 10 s, it goes on by itself and loses nothing', async () => {
    const scene = await ServiceScene.set(undefined, { MQTT_KEEPALIVE_S: '5' });
    const { counter, oracle } = scene;
    const service = await scene.start();
    for (let round = 0; round < 3; round++) {
      const posting = counter.post({ count: 200 });
      process.kill(service.pid, 'SIGSTOP');
      const resumesAt = performance.now() + scaledMs(BLOCKED_MS);
      await until(() => performance.now() >= resumesAt, { deadlineMs: 60_000, what: 'the time to pass' });
      process.kill(service.pid, 'SIGCONT');
      // To a process that wakes up the client looks slow, and may be told so, or dropped: then it posts again.
      const answer = await posting.catch(() => undefined);
      if (answer?.status !== 202) await counter.postUntilAccepted({ count: 200 });
    }
    await scene.deliver();
    expect(await service.stop()).toBe(0);
    conclude(oracle.report({ name: 'process stopped for 10 s', rounds: 3, everyArrivalIsPromised: true }));
  });

  it('to stop is bounded: SIGTERM during a flush to a broker that never acknowledges ends with 0, and the next start delivers the rest', async () => {
    const scene = await ServiceScene.set();
    const { counter, oracle, link } = scene;
    await link.refuse();
    const filling = await scene.start();
    for (let posts = 0; posts < 5; posts++) expect((await counter.post({ count: 500 })).status).toBe(202);
    expect(await filling.stop()).toBe(0);

    const silent = await ScriptedBroker.start({ ack: () => 'withhold' });
    const env = { MQTT_BROKER_URL: silent.url, SHUTDOWN_DEADLINE_MS: String(DEADLINE_MS) };
    const flushing = await scene.start({}, env);
    await until(() => silent.packets('publish').length >= 50, { what: 'the flush to begin' });
    const begunMs = performance.now();
    expect(await flushing.stop(), flushing.output).toBe(0);
    expect(performance.now() - begunMs).toBeLessThan(DEADLINE_MS + 5000);

    const last = await scene.start();
    await scene.deliver();
    expect(await last.stop()).toBe(0);
    const name = 'SIGTERM during a flush that is never acknowledged';
    conclude(oracle.report({ name, everyArrivalIsPromised: true }));
  });
});

/** Nothing else runs in this process meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWithMosquitto, Mosquitto } from '../helpers/mosquitto.js';
import { queueFolder } from '../helpers/sync-application.js';
import { TcpProxy } from '../helpers/tcp-proxy.js';
import { until } from '../helpers/wait.js';
import { FaultShore, PATIENT_BROKER } from './oracle/fault-shore.js';
import { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { CALLS_PER_LIFE, type Launch, Ship } from './ship/ship.js';
import { conclude } from './summary/record.js';

/** A kill comes when a random number of messages below this was accepted, and then a random moment more has passed. */
const MOST_ACCEPTED = 1800;
const LATEST_MOMENT_MS = 40;
/** A kill of a ship that is still starting comes within this time. */
const START_MS = 1500;
/** Room for every message, so that none is dropped. */
const ROOM = { maxMessages: 1_000_000, maxBytes: 4e9 };

/** A ship that is killed again and again, on one queue folder, and the shore that waits for everything it promised. */
class Scene {
  readonly oracle = new Oracle();
  private lives = 0;

  private constructor(
    readonly broker: Mosquitto,
    readonly link: TcpProxy,
    readonly dir: string,
  ) {}

  static async set(): Promise<Scene & { readonly shore: FaultShore }> {
    const broker = await Mosquitto.start({ config: PATIENT_BROKER });
    const scene = new Scene(broker, await TcpProxy.start(broker.port), queueFolder());
    return Object.assign(scene, { shore: await FaultShore.listen(broker.url, scene.oracle) });
  }

  /** The next life of the ship. */
  launch(launch: Partial<Launch> = {}, wrapper: readonly string[] = []): Ship {
    const options = {
      brokerUrl: this.link.url,
      vesselId: 'mv-fault',
      reconnectMaxS: 1,
      queue: { dir: this.dir, ...ROOM },
      entities: { engine_log: { lane: 'bulk' as const, retain: false } },
    };
    const firstCall = ++this.lives * CALLS_PER_LIFE;
    return Ship.launch({ options, firstCall, ...launch }, this.oracle, wrapper);
  }

  /** A last life that only delivers; waits until all is on shore. */
  async deliver(shore: FaultShore): Promise<void> {
    await this.link.accept();
    const ship = this.launch({ messages: 0 });
    await ship.says('drained', 600_000);
    await shore.settled(this.oracle);
    expect(await ship.stop()).toBe(0);
  }
}

/** Waits for a random moment of a ship's work. */
async function underway(ship: Ship): Promise<void> {
  const accepted = Math.random() * MOST_ACCEPTED;
  await until(() => ship.accepted >= accepted, { deadlineMs: 60_000, what: () => `${accepted} accepted messages` });
  await sleep(Math.random() * LATEST_MOMENT_MS);
}

describeWithMosquitto('SIGKILL of an application', () => {
  it('loses nothing, at random moments under load', async () => {
    const scene = await Scene.set();
    const { shore, link, oracle } = scene;
    let [whileOpening, slowestStartMs] = [0, 0];
    for (let round = 1; round <= scale.killRounds; round++) {
      // Every third life has no link, so that the next ones begin with a backlog.
      await (round % 3 === 0 ? link.refuse() : link.accept());
      const ship = scene.launch();
      // Every fifth life ends so early that it may not have opened its queue.
      if (round % 5 === 0) await sleep(Math.random() * START_MS);
      else await underway(ship);
      await ship.kill();
      if (ship.openedMs === undefined) whileOpening++;
      else slowestStartMs = Math.max(slowestStartMs, ship.openedMs - ship.launchedMs);
    }
    await scene.deliver(shore);
    const notes = [`${whileOpening} kills before the queue was open; slowest start ${Math.round(slowestStartMs)} ms`];
    conclude(oracle.report({ name: 'SIGKILL at random moments', rounds: scale.killRounds, notes }));
  }, 1_800_000);

  it('loses nothing exactly between commit and send', async () => {
    const scene = await Scene.set();
    const { shore, oracle } = scene;
    for (let round = 1; round <= scale.exactKillRounds; round++) {
      const ship = scene.launch({ halt: { at: 'accepted', after: 37 * round } });
      const [, messageId] = (await ship.says('halt')).split(' ');
      await ship.kill();
      await shore.caughtUp();
      // Promised, and not sent: only the disk knows of it.
      expect(oracle.hasArrived(messageId!)).toBe(false);
    }
    await scene.deliver(shore);
    conclude(oracle.report({ name: 'SIGKILL between commit and send', rounds: scale.exactKillRounds }));
  });

  it('delivers again what was killed exactly between acknowledgement and removal, under the same id', async () => {
    const scene = await Scene.set();
    const { shore, oracle } = scene;
    for (let round = 1; round <= scale.exactKillRounds; round++) {
      const ship = scene.launch({ halt: { at: 'published', after: 41 * round } });
      const [, messageId] = (await ship.says('halt')).split(' ');
      await ship.kill();
      await shore.caughtUp();
      expect(oracle.hasArrived(messageId!)).toBe(true);
    }
    await scene.deliver(shore);
    const report = oracle.report({
      name: 'SIGKILL between acknowledgement and removal',
      rounds: scale.exactKillRounds,
    });
    // At least the one that the kill fell on came twice, and the receiver can remove it.
    expect(report.duplicatesOnWire).toBeGreaterThanOrEqual(scale.exactKillRounds);
    conclude(report);
  });
});

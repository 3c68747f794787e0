import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWithMosquitto } from '../helpers/mosquitto.js';
import { until } from '../helpers/wait.js';
import type { Oracle } from './oracle/oracle.js';
import { scale } from './scale.js';
import { Scene } from './ship/scene.js';
import type { Ship } from './ship/ship.js';
import { conclude } from './summary/record.js';

/** A kill comes when a random number of messages below this was accepted, and then a random moment more has passed. */
const MOST_ACCEPTED = 1800;
const LATEST_MOMENT_MS = 40;
/** A kill of a ship that is still starting comes within this time. */
const START_MS = 1500;
/** One of so many kills comes inside a commit. */
const MOST_GROUP_KILLS = 40;
/** A lock that its process left behind would cost a timeout; a start is a second on an idle machine. */
const START_AT_ONCE_MS = 15_000;

/** Waits for a random moment of a ship's work. */
async function underway(ship: Ship): Promise<void> {
  const accepted = Math.floor(Math.random() * MOST_ACCEPTED);
  await until(() => ship.accepted >= accepted, { deadlineMs: 60_000, what: () => `${accepted} accepted messages` });
  await sleep(Math.random() * LATEST_MOMENT_MS);
}

/** What the ship says it stood still at. */
async function haltedAt(ship: Ship): Promise<string> {
  return (await ship.says('halt')).split(' ')[1]!;
}

describeWithMosquitto('SIGKILL of an application', () => {
  it('loses nothing, at random moments under load', async () => {
    const scene = await Scene.set({ withReceiver: true });
    const { link } = scene;
    let whileOpening = 0;
    for (let round = 1; round <= scale.killRounds; round++) {
      // Every third life has no link, so that the next ones begin with a backlog.
      await (round % 3 === 0 ? link.refuse() : link.accept());
      const ship = scene.launch();
      // Every fifth life ends so early that it may not have opened its queue.
      if (round % 5 === 0) await sleep(Math.random() * START_MS);
      else await underway(ship);
      await ship.kill();
      if (ship.openedMs === undefined) whileOpening++;
    }
    await scene.deliver();
    const notes = [`${whileOpening} of the kills came before the queue was open`];
    conclude(await scene.report({ name: 'SIGKILL at random moments', rounds: scale.killRounds, notes }));
  }, 1_800_000);

  it('loses nothing exactly between commit and send', async () => {
    const scene = await Scene.set({ withReceiver: true });
    for (let round = 1; round <= scale.exactKillRounds; round++) {
      const ship = scene.launch({ halt: { at: 'accepted', after: 37 * round } });
      const messageId = await haltedAt(ship);
      await ship.kill();
      await scene.shore.caughtUp();
      // Promised, and not sent: only the disk knows of it.
      expect(scene.oracle.hasArrived(messageId)).toBe(false);
    }
    await scene.deliver();
    conclude(await scene.report({ name: 'SIGKILL between commit and send', rounds: scale.exactKillRounds }));
  });

  it('sends again what was acknowledged and not yet removed, under the same id', async () => {
    const scene = await Scene.set({ withReceiver: true });
    for (let round = 1; round <= scale.exactKillRounds; round++) {
      const ship = scene.launch({ halt: { at: 'published', after: 41 * round } });
      const messageId = await haltedAt(ship);
      await ship.kill();
      await scene.shore.caughtUp();
      expect(scene.oracle.hasArrived(messageId)).toBe(true);
    }
    await scene.deliver();
    const rounds = scale.exactKillRounds;
    const report = await scene.report({ name: 'SIGKILL between acknowledgement and removal', rounds });
    // At least the one that the kill fell on came twice, and the receiver can remove it.
    expect(report.duplicatesOnWire).toBeGreaterThanOrEqual(rounds);
    conclude(report);
  });

  it('keeps all or none of a commit that it dies in', async () => {
    const group = 400;
    const scene = await Scene.set({ withReceiver: true });
    const arrived = arrivalsByGroup(scene.oracle, group);
    let inside = 0;
    let rounds = 0;
    while (rounds < scale.groupKillRounds || (inside === 0 && rounds < MOST_GROUP_KILLS)) {
      rounds++;
      await scene.link.refuse();
      const big = { group, size: 2000, callers: 1, burst: 1, messages: 20 * group };
      const ship = scene.launch({ ...big, announceCommits: true });
      const commits = 2 + Math.floor(Math.random() * 6);
      const begun = () => ship.lines.filter((line) => line === 'commit').length;
      await until(() => begun() >= commits, { deadlineMs: 60_000, what: () => `${commits} commits` });
      await sleep(Math.random() * 10);
      await ship.kill();
      if (ship.lines.at(-1) === 'commit') inside++;
    }
    await scene.deliver();
    for (const [name, count] of arrived) expect(count, `messages of group ${name}`).toBe(group);
    const notes = [`${inside} of the kills came inside a commit`];
    conclude(await scene.report({ name: 'SIGKILL during a group commit', rounds, notes }));
    expect(inside).toBeGreaterThan(0);
  });

  it('starts again at once on the folder that it was killed in', async () => {
    const scene = await Scene.set({ withReceiver: true });
    let slowestMs = 0;
    for (let round = 1; round <= scale.exactKillRounds; round++) {
      const ship = scene.launch();
      await underway(ship);
      await ship.kill();
      const next = scene.launch();
      await next.says('open');
      slowestMs = Math.max(slowestMs, next.openedMs! - next.launchedMs);
      await next.kill();
    }
    expect(slowestMs).toBeLessThan(START_AT_ONCE_MS);
    await scene.deliver();
    const notes = [`slowest start ${Math.round(slowestMs)} ms, with loading the program`];
    conclude(await scene.report({ name: 'restart right after SIGKILL', rounds: scale.exactKillRounds, notes }));
  });

  it('refuses a second process on the folder and does not disturb the first', async () => {
    const scene = await Scene.set({ withReceiver: true });
    const messages = scale.name === 'short' ? 3000 : 20_000;
    const first = scene.launch({ messages });
    await first.says('open');
    const second = scene.launch();
    expect(await second.exit()).toBe(1);
    expect(second.line('error')).toMatch(/QueueLockedError/);
    expect(second.accepted).toBe(0);
    await first.says('drained', 300_000);
    expect(first.accepted).toBe(messages);
    await scene.shore.settled(scene.oracle);
    expect(await first.stop()).toBe(0);
    conclude(await scene.report({ name: 'two applications on one queue folder', everyArrivalIsPromised: true }));
  });
});

/** Counts the messages of each group that arrive for the first time; a group is one `publishMany()`. */
function arrivalsByGroup(oracle: Oracle, group: number): Map<string, number> {
  const counts = new Map<string, number>();
  const arrived = oracle.arrived.bind(oracle);
  oracle.arrived = (arrival) => {
    if (!oracle.hasArrived(arrival.messageId)) {
      const { call } = arrival.data as { readonly call: number };
      const name = String(Math.floor(call / group));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    arrived(arrival);
  };
  return counts;
}

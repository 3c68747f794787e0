import { setTimeout as pause } from 'node:timers/promises';
import { until, within } from '../../helpers/wait.js';
import type { ContenderId } from '../contenders.js';
import { nowMs } from '../clock.js';
import { LOAD } from '../payload.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender } from '../rig/contender.js';
import { openLink } from '../rig/link.js';
import { isObserver, Observer } from '../rig/observer.js';
import type { Resources } from '../rig/resources.js';
import type { Run } from '../run.js';

/** The longest a default bridge waits between two attempts, and some. */
const DEADLINE_MS = 90_000;
const SHORTEST_CUT_MS = 500;
/** Between a recovery and the next cut. */
const REST_MS = 500;

/** The link is cut for a random time; how long after its return the first message arrives on shore. */
export async function recovery(run: Run): Promise<void> {
  const { cuts, longestCutMs } = run.sizes;
  const lengths = Array.from(
    { length: cuts },
    () => SHORTEST_CUT_MS + Math.random() * (longestCutMs - SHORTEST_CUT_MS),
  );
  const contenders = run.contenders(['disk', 'mqttjs', 'bridge-default', 'bridge-tuned'] as const);
  // Waiting is all there is to it, so they can do it side by side, each on a link of its own.
  await Promise.all(
    contenders.map((one) => run.resources.during((resources) => cutAndRestore(run, resources, one, lengths))),
  );
}

async function cutAndRestore(
  run: Run,
  resources: Resources,
  contender: ContenderId,
  lengthsMs: readonly number[],
): Promise<void> {
  const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
  const link = await openLink(resources, broker, 'geo');
  await link.up();
  const observer = resources.add(await Observer.watch(broker.url, LOAD), (one) => one.close());
  const at = await Contender.start(resources, { contender, shorePort: link.port, quickReconnect: false });
  await until(() => broker.firstConnectOf((id) => !isObserver(id)), {
    deadlineMs: DEADLINE_MS,
    what: `${contender} to connect`,
  });
  for (const [index, lengthMs] of lengthsMs.entries()) {
    await pause(REST_MS);
    await link.down();
    const expected = observer.count + 1;
    await at.publish(LOAD, index, 1);
    await pause(lengthMs);
    await link.up();
    const backMs = nowMs();
    const arrival = within(observer.arrival(expected), { deadlineMs: DEADLINE_MS, what: `${contender} to recover` });
    const firstDeliveryMs = (await arrival) - backMs;
    run.say(
      `recovery ${index + 1}: ${contender} ${(firstDeliveryMs / 1000).toFixed(1)} s after a cut of ${(lengthMs / 1000).toFixed(1)} s`,
    );
    run.record({ scenario: 'recovery', profile: 'geo', contender, values: { firstDeliveryMs } });
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { BenchBroker } from '../rig/broker.js';
import { Contender, copyOf } from '../rig/contender.js';
import { openLink } from '../rig/link.js';
import { Observer } from '../rig/observer.js';
import type { Run } from '../run.js';

/** Enough of the backlog to have flowed that the window has found its size. */
const FLOWING_MESSAGES = 2000;
/** At least so long between two alerts, so that they do not wait for each other; the rest is random. */
const SHORTEST_PAUSE_MS = 700;

/** Single alerts while a large backlog drains over the GEO link. */
export async function alert(run: Run, folder: string): Promise<void> {
  await run.resources.during(async (resources) => {
    const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
    const link = await openLink(resources, broker, 'geo');
    await link.up();
    const observer = resources.add(await Observer.watch(broker.url, 'alerts', 2), (one) => one.close());
    const options = { contender: 'disk', shorePort: link.port, queueLimit: 100_000_000 } as const;
    const { station } = await Contender.start(resources, { ...options, dir: copyOf(resources, folder) });
    await station.call('delivered', FLOWING_MESSAGES);
    for (let number = 0; number < run.sizes.alerts * 2; number++) {
      await pause(SHORTEST_PAUSE_MS * (1 + Math.random()));
      const qos = number % 2 === 0 ? 1 : 2;
      const times = await station.call('alert', { number, qos });
      const acknowledgedMs = times.acknowledgedMs - times.acceptedMs;
      const arrivedMs = (await observer.arrival(number + 1)) - times.acceptedMs;
      const values =
        qos === 1
          ? { qos1AcknowledgedMs: acknowledgedMs }
          : { qos2AtSubscriberMs: arrivedMs, qos2CompleteMs: acknowledgedMs };
      run.say(
        `alert ${number + 1}: QoS ${qos} acknowledged after ${Math.round(acknowledgedMs)} ms, on shore after ${Math.round(arrivedMs)} ms`,
      );
      run.record({ scenario: 'alert', profile: 'geo', contender: 'disk', values });
    }
  });
}

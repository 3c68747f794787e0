import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../helpers/wait.js';
import type { ContenderId } from '../contenders.js';
import { LOAD } from '../payload.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender } from '../rig/contender.js';
import { openLink, type ShoreLink } from '../rig/link.js';
import { isObserver, Observer } from '../rig/observer.js';
import type { Run } from '../run.js';

const WARM_UP = 200;
const MESSAGES = 800;
/** Nothing has moved for so long: everything is acknowledged. */
const QUIET_MS = 300;

/** Bytes per message on the wire, both ways, beyond the envelope. */
export async function wire(run: Run): Promise<void> {
  const contenders = ['disk', 'mqttjs', 'one-at-a-time', 'bridge-default', 'bridge-tuned'] as const;
  for (const contender of run.contenders(contenders)) {
    const bytesPerMessage = await overhead(run, contender);
    run.say(`wire: ${contender} ${bytesPerMessage.toFixed(2)} bytes`);
    run.record({ scenario: 'wire', profile: 'loopback', contender, values: { bytesPerMessage } });
  }
}

async function overhead(run: Run, contender: ContenderId): Promise<number> {
  return run.resources.during(async (resources) => {
    const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
    const link = await openLink(resources, broker, 'loopback', true);
    await link.up();
    const observer = resources.add(await Observer.watch(broker.url, LOAD), (one) => one.close());
    const at = await Contender.start(resources, { contender, shorePort: link.port });
    await until(() => broker.firstConnectOf((id) => !isObserver(id)), { what: 'the contender to connect' });
    const send = async (first: number, count: number) => {
      await at.publish(LOAD, first, count);
      await observer.arrival(first + count);
      return { wire: await quiet(link), payload: observer.bytes };
    };
    const before = await send(0, WARM_UP);
    const after = await send(WARM_UP, MESSAGES);
    return (after.wire - before.wire - (after.payload - before.payload)) / MESSAGES;
  });
}

/** Bytes carried when nothing moves any more. */
async function quiet(link: ShoreLink): Promise<number> {
  for (let last = -1; ;) {
    const { up, down } = await link.carriedBytes();
    if (up + down === last) return last;
    last = up + down;
    await pause(QUIET_MS);
  }
}

import { freePort } from '../../helpers/ports.js';
import { LOAD, MARKER } from '../payload.js';
import { type ContenderOptions, copyOf, newFolder } from '../rig/contender.js';
import type { Resources } from '../rig/resources.js';
import type { Run } from '../run.js';
import { alert } from './alert.js';
import { measureDrain } from './drain.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender } from '../rig/contender.js';
import { openLink } from '../rig/link.js';
import { start } from './start.js';

const QUEUE_LIMIT = 100_000_000;

/** What the large backlog is used for; it is gathered once. */
export interface BacklogParts {
  readonly start: boolean;
  readonly alert: boolean;
  readonly drainMillion: boolean;
}

/** Scenarios with a backlog of a million: the start with it, an alert that overtakes it, and its way out. */
export async function backlog(run: Run, parts: BacklogParts): Promise<void> {
  if (run.contenders(['disk'] as const).length === 0) return;
  const { million } = run.sizes;
  await run.resources.during(async (resources) => {
    run.say(`backlog: gathering ${million} messages`);
    const folders = { million: await fill(resources, million), thousand: await fill(resources, 1000) };
    if (parts.start) await start(run, folders);
    if (parts.alert && run.profiles(['geo']).length > 0) await alert(run, folders.million);
    if (parts.drainMillion && run.profiles(['loopback']).length > 0) await drainMillion(run, folders.million);
  });
}

/** A folder with a backlog on disk, left behind by a process that stopped in order. */
async function fill(resources: Resources, count: number): Promise<string> {
  const dir = newFolder(resources);
  await resources.during(async (nested) => {
    const options: ContenderOptions = { contender: 'disk', shorePort: await freePort(), dir, queueLimit: QUEUE_LIMIT };
    const contender = await Contender.start(nested, options);
    await contender.station.call('gather', { entity: LOAD, count });
    await contender.publish(MARKER, count, 1);
    await contender.station.call('close');
  });
  return dir;
}

async function drainMillion(run: Run, folder: string): Promise<void> {
  const { million, rounds } = run.sizes;
  for (let round = 1; round <= rounds; round++) {
    const values = await run.resources.during(async (resources) => {
      const dir = copyOf(resources, folder);
      const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
      const link = await openLink(resources, broker, 'loopback');
      const options = { contender: 'disk', shorePort: link.port, dir, queueLimit: QUEUE_LIMIT } as const;
      const contender = await Contender.start(resources, { ...options, execArgv: run.execArgv });
      const scene = { broker, link, profile: 'loopback', count: million + 1 } as const;
      const [drained, endToBeginning] = await Promise.all([
        measureDrain(resources, scene, contender),
        compareStretches(contender, million),
      ]);
      return { ...drained, endToBeginning };
    });
    const ratio = values.endToBeginning.toFixed(2);
    run.say(`drain-million ${round}: ${million} in ${values.seconds.toFixed(1)} s, end / beginning ${ratio}`);
    const secondsPer10000 = (values.seconds * 10_000) / million;
    run.record({
      scenario: 'drain-million',
      profile: 'loopback',
      contender: 'disk',
      values: { ...values, secondsPer10000 },
    });
  }
}

/**
 * Time of the last three tenths of a drain, in that of the second to the fourth. The first one is left out: it pays for
 * compiling the code and for finding the size of the window. Single ones differ by 15 % on a quiet machine.
 */
async function compareStretches({ station }: Contender, count: number): Promise<number> {
  const marks = [0.1, 0.4, 0.7, 1].map((share) => Math.round(share * count));
  const [first, fourth, seventh, last] = await station.call('passing', marks);
  return (last! - seventh!) / (fourth! - first!);
}

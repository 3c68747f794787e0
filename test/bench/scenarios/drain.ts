import { within } from '../../helpers/wait.js';
import { type ContenderId, SENDERS } from '../contenders.js';
import { LOAD, MARKER } from '../payload.js';
import type { ProfileId } from '../profiles.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender, type ContenderOptions } from '../rig/contender.js';
import { openLink, playGaps, type ShoreLink } from '../rig/link.js';
import { isObserver, Observer } from '../rig/observer.js';
import type { Resources } from '../rig/resources.js';
import type { Run, Sample } from '../run.js';
import { messagesFor } from '../sizes.js';
import { toTheEnd } from '../to-the-end.js';

/** So long a drain may take, whoever does it. */
const DEADLINE_MS = 300_000;

/** A backlog gathered while the link was down leaves when it comes up. */
export async function drain(run: Run): Promise<void> {
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const profile of run.profiles(['loopback', 'lan'])) {
      for (const contender of run.contenders([...SENDERS, 'bare-socket'])) {
        await drainOnce(run, contender, profile, round);
      }
    }
  }
}

/** A contender that does not get through. */
class NotThroughError extends Error {}

/** The same on slow links. They are what limits there, and each contender has its own: they drain side by side. */
export async function drainSlowly(run: Run, profile: 'geo' | 'certus'): Promise<void> {
  if (run.profiles([profile]).length === 0) return;
  const contenders = new Set(run.contenders(SENDERS));
  for (let round = 1; round <= run.sizes.rounds; round++) {
    const drains = [...contenders].map((contender) =>
      drainOnce(run, contender, profile, round).catch((error: unknown) => {
        if (!(error instanceof NotThroughError)) throw error;
        run.say(`drain ${profile} ${round}: ${contender} ${error.message}; it is left out of the other rounds`);
        contenders.delete(contender);
      }),
    );
    const withDefaults = profile === 'geo' && contenders.has('disk');
    if (withDefaults) drains.push(drainOnce(run, 'disk', profile, round, 'defaults'));
    await toTheEnd(drains);
  }
}

async function drainOnce(
  run: Run,
  contender: ContenderId,
  profile: ProfileId,
  round: number,
  limits: 'unlimited' | 'defaults' = 'unlimited',
): Promise<void> {
  const asked = run.sizes.drainMessages;
  // As many as a bridge with its defaults: both have 20 in flight.
  const count = messagesFor(limits === 'defaults' ? 'bridge-default' : contender, profile, asked);
  const drained = await run.resources.during(async (resources) => {
    const broker = resources.add(await BenchBroker.onShore(limits), (one) => one.dispose());
    const link = await openLink(resources, broker, profile);
    const options = { contender, shorePort: link.port, execArgv: run.execArgv };
    const backlog = await gather(resources, options, count);
    return measureDrain(resources, { broker, link, profile, count: count + 1 }, backlog);
  });
  const values = { ...drained, secondsPer10000: (drained.seconds * 10_000) / count };
  run.say(`drain ${profile} ${round}: ${contender} ${count} in ${drained.seconds.toFixed(2)} s`);
  run.record({
    ...{ scenario: 'drain', profile, contender, values },
    ...(limits === 'defaults' && { variant: 'broker takes 20' }),
    ...(count < asked && { scaledFromMessages: count }),
  });
}

/** Has a contender accept a backlog, with the marker as the last of it. */
export async function gather(resources: Resources, options: ContenderOptions, count: number): Promise<Contender> {
  const contender = await Contender.start(resources, { queueLimit: 100_000_000, ...options });
  await contender.publish(LOAD, 0, count);
  await contender.publish(MARKER, count, 1);
  return contender;
}

/** Where a backlog drains to. */
export interface DrainScene {
  readonly broker: BenchBroker;
  readonly link: ShoreLink;
  readonly profile: ProfileId;
  /** Messages of the backlog, the marker included. */
  readonly count: number;
}

/** From the moment at which the contender connects on shore to the arrival of the last message there. */
export async function measureDrain(
  resources: Resources,
  { broker, link, profile, count }: DrainScene,
  contender: Contender,
): Promise<Sample['values'] & { readonly seconds: number }> {
  const before = await contender.cpuMs();
  await link.up();
  const observer = resources.add(await Observer.watch(broker.url, MARKER), (one) => one.close());
  const played = new AbortController();
  const gaps = playGaps(link, profile, played.signal);
  const end = within(observer.arrival(1), { deadlineMs: DEADLINE_MS, what: 'the last of the backlog' });
  const arrivedMs = await end
    .catch((cause: unknown) => {
      throw new NotThroughError(`is not through after ${DEADLINE_MS / 1000} s`, { cause });
    })
    .finally(() => played.abort());
  await gaps;
  const connectedMs = broker.firstConnectOf((clientId) => !isObserver(clientId));
  if (connectedMs === undefined) throw new Error('The broker did not say who connected.');
  const seconds = (arrivedMs - connectedMs) / 1000;
  const after = await contender.cpuMs();
  const { anonymousMiB, mappedMiB } = contender.memory();
  return {
    ...{ seconds, perSecond: count / seconds, anonymousMiB, mappedMiB },
    cpuUsPerMessage: ((after.sender - before.sender) * 1000) / count,
    ...(profile !== 'loopback' && { bytesPerSecond: (await link.carriedBytes()).up / seconds }),
  };
}

import { within } from '../../helpers/wait.js';
import { type ContenderId, SENDERS } from '../contenders.js';
import { nowMs } from '../clock.js';
import { LOAD, MARKER } from '../payload.js';
import type { ProfileId } from '../profiles.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender } from '../rig/contender.js';
import { openLink } from '../rig/link.js';
import { isObserver, Observer } from '../rig/observer.js';
import { until } from '../../helpers/wait.js';
import type { Run } from '../run.js';
import { messagesFor } from '../sizes.js';
import type { SteadyResult } from '../stations/station.js';

const DEADLINE_MS = 300_000;
/** Before it counts: code is compiled, the window has its size. */
const WARM_UP_SHARE = 0.2;

/** As fast as it goes, from the call to the acknowledgement. */
export async function steady(run: Run): Promise<void> {
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const profile of run.profiles(['loopback', 'lan'])) {
      // What was published offline would be resent one by one; while connected it is plain MQTT.js without a window.
      for (const contender of run.contenders(SENDERS.filter((id) => id !== 'mqttjs-offline'))) {
        await steadyOnce(run, contender, profile, round);
      }
    }
  }
}

async function steadyOnce(run: Run, contender: ContenderId, profile: ProfileId, round: number): Promise<void> {
  const asked = run.sizes.steadyMessages;
  const count = messagesFor(contender, profile, asked);
  const values = await run.resources.during(async (resources) => {
    const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
    const link = await openLink(resources, broker, profile);
    await link.up();
    const { execArgv } = run;
    const options = { contender, shorePort: link.port, execArgv, queueLimit: 100_000_000 };
    const at = await Contender.start(resources, options);
    await until(() => broker.firstConnectOf((id) => !isObserver(id)), {
      what: 'the contender to connect',
      deadlineMs: 60_000,
    });
    await at.station.call('connected');
    const observer = resources.add(await Observer.watch(broker.url, MARKER), (one) => one.close());
    await flow(at, observer, 0, Math.ceil(count * WARM_UP_SHARE));
    const before = await at.cpuMs();
    const { elapsedMs, ...loopDelay } = await flow(at, observer, count, count);
    const after = await at.cpuMs();
    const { anonymousMiB, mappedMiB } = at.memory();
    const perMessage = (key: 'sender' | 'feeder') => ((after[key] - before[key]) * 1000) / count;
    return {
      ...{ perSecond: (count * 1000) / elapsedMs, cpuUsPerMessage: perMessage('sender'), anonymousMiB, mappedMiB },
      ...loopDelay,
      ...(at.isBridge && { feederCpuUsPerMessage: perMessage('feeder') }),
    };
  });
  run.say(
    `steady ${profile} ${round}: ${contender} ${Math.round(values.perSecond)}/s, ${values.cpuUsPerMessage.toFixed(1)} us`,
  );
  run.record({
    ...{ scenario: 'steady', profile, contender, values },
    ...(count < asked && { scaledFromMessages: count }),
  });
}

/**
 * Until so many have arrived: by the acknowledgements, or at a bridge by a last message on shore. A bridge has no event
 * loop of Node; that of its feeder is of no interest.
 */
async function flow(
  at: Contender,
  observer: Observer,
  first: number,
  count: number,
): Promise<Pick<SteadyResult, 'elapsedMs'> & Partial<SteadyResult>> {
  const limits = { deadlineMs: DEADLINE_MS, what: `${count} messages to flow` };
  if (!at.isBridge) return within(at.station.call('steady', { first, count }), limits);
  const expected = observer.count + 1;
  const beganMs = nowMs();
  await at.station.call('publish', { entity: LOAD, first, count });
  await at.station.call('publish', { entity: MARKER, first, count: 1 });
  return { elapsedMs: (await within(observer.arrival(expected), limits)) - beganMs };
}

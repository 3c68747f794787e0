import { until } from '../../helpers/wait.js';
import { BenchBroker } from '../rig/broker.js';
import { Contender } from '../rig/contender.js';
import { isObserver } from '../rig/observer.js';
import type { Run } from '../run.js';

const PER_SECOND = 5000;

/** How long the application's event loop is held up while it publishes 5,000 changes a second. */
export async function eventLoop(run: Run): Promise<void> {
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const contender of run.contenders(['disk', 'memory', 'mqttjs'] as const)) {
      const values = await run.resources.during(async (resources) => {
        const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
        const { execArgv } = run;
        const at = await Contender.start(resources, { contender, shorePort: broker.port, execArgv });
        await until(() => broker.firstConnectOf((id) => !isObserver(id)), { what: 'the contender to connect' });
        await at.station.call('pace', { perSecond: PER_SECOND, seconds: 1 });
        const idle = await at.station.call('pace', { perSecond: 0, seconds: 1 });
        const paced = await at.station.call('pace', { perSecond: PER_SECOND, seconds: run.sizes.paceSeconds });
        return { ...paced, idleLoopDelayP99Ms: idle.loopDelayP99Ms };
      });
      run.say(`event-loop ${round}: ${contender} ${values.loopDelayP99Ms.toFixed(1)} ms at ${values.perSecond}/s`);
      run.record({ scenario: 'event-loop', profile: 'loopback', contender, values });
    }
  }
}

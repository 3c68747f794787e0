import { freePort } from '../../helpers/ports.js';
import { nowMs } from '../clock.js';
import { LOAD } from '../payload.js';
import { Contender } from '../rig/contender.js';
import type { Run } from '../run.js';

/** Accepting while there is no broker. A bridge has accepted what it has acknowledged on board. */
export async function offline(run: Run): Promise<void> {
  const count = run.sizes.offlineMessages;
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const contender of run.contenders(['disk', 'memory', 'mqttjs-offline', 'bridge-tuned'] as const)) {
      const values = await run.resources.during(async (resources) => {
        const options = { contender, shorePort: await freePort(), queueLimit: 100_000_000, execArgv: run.execArgv };
        const at = await Contender.start(resources, options);
        const before = await at.cpuMs();
        const beganMs = nowMs();
        await at.publish(LOAD, 0, count);
        const elapsedMs = nowMs() - beganMs;
        const after = await at.cpuMs();
        const { anonymousMiB, mappedMiB } = at.memory();
        const cpuUsPerMessage = ((after.sender - before.sender) * 1000) / count;
        return { perSecond: (count * 1000) / elapsedMs, cpuUsPerMessage, anonymousMiB, mappedMiB };
      });
      run.say(`offline ${round}: ${contender} ${Math.round(values.perSecond)}/s`);
      run.record({ scenario: 'offline', profile: 'loopback', contender, values });
    }
  }
}

import { connectAsync } from 'mqtt';
import { within } from '../../helpers/wait.js';
import { type ReceiverId, RECEIVERS } from '../contenders.js';
import { LOAD, TOPIC_PREFIX, topicOf } from '../payload.js';
import { BenchBroker } from '../rig/broker.js';
import { Child } from '../rig/child.js';
import { Contender, newFolder } from '../rig/contender.js';
import type { Run } from '../run.js';
import { RECEIVING_SESSIONS, type ReceivingCalls } from '../stations/receiving-station.js';

const PROGRAM = 'stations/receiving-process.js';
const DEADLINE_MS = 300_000;
/** Before it counts: code is compiled. */
const WARM_UP_SHARE = 0.3;
const SESSION_EXPIRY_S = 3600;

/** How fast a backlog at the broker goes through the handlers of a Nest application; whoever sends is done before. */
export async function receive(run: Run): Promise<void> {
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const contender of run.profiles(['loopback']).flatMap(() => run.contenders(RECEIVERS))) {
      const values = await receiveOnce(run, contender);
      const { perSecond, cpuUsPerMessage } = values;
      run.say(`receive ${round}: ${contender} ${Math.round(perSecond)}/s, ${cpuUsPerMessage.toFixed(1)} us`);
      run.record({ scenario: 'receive', profile: 'loopback', contender, values });
    }
  }
}

function receiveOnce(run: Run, contender: ReceiverId) {
  const count = run.sizes.receivedMessages;
  const warmUp = Math.ceil(count * WARM_UP_SHARE);
  return run.resources.during(async (resources) => {
    const broker = resources.add(await BenchBroker.onShore(), (one) => one.dispose());
    await beginSession(broker.url, contender);
    const feeder = await Contender.start(resources, { contender: 'mqttjs', shorePort: broker.port });
    await feeder.station.call('connected');
    await feeder.publish(LOAD, 0, warmUp + count);
    await within(feeder.station.call('delivered', warmUp + count), { deadlineMs: DEADLINE_MS, what: 'the backlog' });
    const { execArgv } = run;
    const child = resources.add(await Child.start<ReceivingCalls>(PROGRAM, [], execArgv), (one) =>
      // A profile is written when the process exits by itself.
      execArgv.length > 0 ? one.call('close').then(() => one.exit()) : one.end(),
    );
    const options = { contender, brokerUrl: broker.url, dir: newFolder(resources), warmUp, count };
    const limits = { deadlineMs: DEADLINE_MS, what: `${contender} to handle ${count} messages` };
    const { elapsedMs, cpuMs } = await within(child.call('receive', options), limits);
    return { perSecond: (count * 1000) / elapsedMs, cpuUsPerMessage: (cpuMs * 1000) / count };
  });
}

/** What the receiver would have begun in an earlier life: the broker keeps its messages from now on. */
async function beginSession(url: string, contender: ReceiverId): Promise<void> {
  const client = await connectAsync(url, {
    ...{ ...RECEIVING_SESSIONS[contender], clean: false },
    properties: { sessionExpiryInterval: SESSION_EXPIRY_S },
  });
  const filters = contender === 'receiver' ? [topicOf(LOAD), `${TOPIC_PREFIX}/catchup/${LOAD}`] : [topicOf(LOAD)];
  await client.subscribeAsync(filters, { qos: 1 });
  await client.endAsync();
}

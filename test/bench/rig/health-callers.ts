import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { nowMs } from '../clock.js';
import { percentile } from '../statistics.js';

export const HEALTH_PATH = 'api/mqtt/reliable-sync/health';
/** Requests a minute and caller: the limit as it comes. */
export const HEALTH_RATE_LIMIT = 60;

/** Callers with an address each, since the document is limited by address: together they ask some hundred times. */
const CALLERS = 10;
/** Before they count: code is compiled. Of fewer than some hundred, the 99th percentile is the one slowest. */
const FIRST_REQUESTS = 100;

/**
 * 99th percentile in milliseconds over requests one after the other, callers taking turns, the first ones left out: by then every
 * caller has its connection. Not with `fetch()`, which takes longer than the service.
 */
export async function askForHealth(port: number): Promise<number> {
  const agents = Array.from(
    { length: CALLERS },
    (_, caller) => new Agent({ keepAlive: true, localAddress: `127.0.0.${caller + 1}` }),
  );
  const times: number[] = [];
  for (let request = 0; request < HEALTH_RATE_LIMIT; request++) {
    for (const agent of agents) {
      const beganMs = nowMs();
      await ask(port, agent);
      times.push(nowMs() - beganMs);
    }
  }
  for (const agent of agents) agent.destroy();
  return percentile(times.slice(FIRST_REQUESTS), 99);
}

async function ask(port: number, agent: Agent): Promise<void> {
  const request = get({ agent, port, host: '127.0.0.1', path: `/${HEALTH_PATH}` });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The health document was answered with ${response.statusCode}.`);
  await once(response.resume(), 'end');
}

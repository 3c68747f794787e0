import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../helpers/ports.js';
import { nowMs } from '../clock.js';
import { VESSEL_ID } from '../payload.js';
import type { Resources } from '../rig/resources.js';
import { usageOf } from '../rig/usage.js';
import type { Run, Sample } from '../run.js';
import { percentile } from '../statistics.js';

/** npm runs scripts in the project's folder. */
const SERVICE = resolve('dist/service/main.js');
/** What a start has allocated and no longer needs is not what the backlog costs. */
const SETTLING_MS = 1000;
/** Callers with an address each, since the document is limited by address: together they ask some hundred times. */
const HEALTH_CALLERS = 10;
/** The limit as it comes. */
const REQUESTS_PER_CALLER = 60;
/** Before they count: code is compiled. Of fewer than some hundred, the 99th percentile is the one slowest. */
const FIRST_HEALTH_REQUESTS = 100;

/** Starts the stand-alone service with a backlog: time to listening, memory, the health document. */
export async function start(run: Run, folders: { readonly million: string; readonly thousand: string }): Promise<void> {
  const { million } = run.sizes;
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const [dir, waiting] of [
      [folders.thousand, 1000],
      [folders.million, million],
    ] as const) {
      const values = await run.resources.during((resources) => startOnce(resources, dir));
      run.say(`start ${round}: ${waiting} waiting, listening after ${Math.round(values.listeningMs ?? 0)} ms`);
      run.record({ scenario: 'start', profile: 'loopback', contender: 'disk', variant: `${waiting} waiting`, values });
    }
  }
}

async function startOnce(resources: Resources, dir: string): Promise<Sample['values']> {
  const port = await freePort();
  const limits = {
    MQTT_MAX_QUEUE_SIZE: '100000000',
    MQTT_MAX_QUEUE_BYTES: '1000000000000',
  };
  const env = {
    MQTT_QUEUE_DIR: dir,
    MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`,
    VESSEL_ID,
    PORT: String(port),
  };
  const beganMs = nowMs();
  const service = spawn(process.execPath, [SERVICE], {
    env: { ...process.env, ...limits, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  resources.add(service, stop);
  await listening(service);
  const listeningMs = nowMs() - beganMs;
  const healthMs = await health(port);
  await pause(SETTLING_MS);
  const { anonymousMiB, mappedMiB } = usageOf(service.pid!);
  return { listeningMs, anonymousMiB, mappedMiB, healthMs };
}

async function listening({ stdout }: ChildProcess): Promise<void> {
  await new Promise<void>((done, reject) => {
    stdout!.on('data', (text: Buffer) => {
      if (String(text).includes('Listening')) done();
    });
    stdout!.on('end', () => reject(new Error('The service ended before it listened.')));
  });
}

/**
 * 99th percentile over requests one after the other, callers taking turns, the first ones left out: by then every caller has its
 * connection. Not with `fetch()`, which takes longer than the service.
 */
async function health(port: number): Promise<number> {
  const agents = Array.from(
    { length: HEALTH_CALLERS },
    (_, caller) => new Agent({ keepAlive: true, localAddress: `127.0.0.${caller + 1}` }),
  );
  const times: number[] = [];
  for (let request = 0; request < REQUESTS_PER_CALLER; request++) {
    for (const agent of agents) {
      const beganMs = nowMs();
      await healthOnce(port, agent);
      times.push(nowMs() - beganMs);
    }
  }
  for (const agent of agents) agent.destroy();
  return percentile(times.slice(FIRST_HEALTH_REQUESTS), 99);
}

async function healthOnce(port: number, agent: Agent): Promise<void> {
  const request = get({ agent, port, host: '127.0.0.1', path: '/api/mqtt/reliable-sync/health' });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`The health document was answered with ${response.statusCode}.`);
  await once(response.resume(), 'end');
}

async function stop(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const exit = once(service, 'exit');
  service.kill('SIGTERM');
  await exit;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../helpers/ports.js';
import { nowMs } from '../clock.js';
import { VESSEL_ID } from '../payload.js';
import { askForHealth } from '../rig/health-callers.js';
import type { Resources } from '../rig/resources.js';
import { usageOf } from '../rig/usage.js';
import type { Run, Sample } from '../run.js';

/** npm runs scripts in the project's folder. */
const SERVICE = resolve('dist/service/main.js');
const BARE_APPLICATION = fileURLToPath(new URL('../stations/bare-application.js', import.meta.url));
/** What a start has allocated and no longer needs is not what the backlog costs. */
const SETTLING_MS = 1000;

/** Starts the stand-alone service with a backlog: time to listening, memory, the health document. */
export async function start(run: Run, folders: { readonly million: string; readonly thousand: string }): Promise<void> {
  const { million } = run.sizes;
  const starts = [
    { contender: 'disk', variant: '1000 waiting', program: SERVICE, dir: folders.thousand },
    { contender: 'disk', variant: `${million} waiting`, program: SERVICE, dir: folders.million },
    { contender: 'bare-nest', variant: undefined, program: BARE_APPLICATION, dir: undefined },
  ] as const;
  for (let round = 1; round <= run.sizes.rounds; round++) {
    for (const { contender, variant, program, dir } of starts) {
      if (run.contenders([contender]).length === 0) continue;
      const values = await run.resources.during((resources) => startOnce(resources, program, dir));
      run.say(`start ${round}: ${variant ?? contender}, listening after ${Math.round(values.listeningMs ?? 0)} ms`);
      run.record({
        ...{ scenario: 'start', profile: 'loopback', contender, values },
        ...(variant !== undefined && { variant }),
      });
    }
  }
}

async function startOnce(resources: Resources, program: string, dir: string | undefined): Promise<Sample['values']> {
  const port = await freePort();
  const env = {
    MQTT_MAX_QUEUE_SIZE: '100000000',
    MQTT_MAX_QUEUE_BYTES: '1000000000000',
    MQTT_BROKER_URL: `mqtt://127.0.0.1:${await freePort()}`,
    VESSEL_ID,
    PORT: String(port),
    ...(dir !== undefined && { MQTT_QUEUE_DIR: dir }),
  };
  const beganMs = nowMs();
  const service = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  resources.add(service, stop);
  await listening(service);
  const listeningMs = nowMs() - beganMs;
  const healthMs = await askForHealth(port);
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

async function stop(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null || service.signalCode !== null) return;
  const exit = once(service, 'exit');
  service.kill('SIGTERM');
  await exit;
}

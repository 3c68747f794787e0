// Measures what the service takes: accepted changes a second with the broker away, anonymous resident memory by length of
// the backlog, and the time from start to listening with that backlog. Prints JSON. Needs `npm run build`.
//
//   npm run bench:size -- [messages, default 1000000]
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { MqttSyncModule, SyncPublisher } from '../../dist/index.js';

const SERVICE = new URL('../../dist/service/main.js', import.meta.url).pathname;
/** Nobody listens there. */
const NOWHERE = 'mqtt://127.0.0.1:1';
const CALLERS = 1000;
const PORT = '5987';

const messages = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'bench-size-'));

function anonymousMiB(pid) {
  const [, kib] = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1024);
}

async function accept(publisher, count) {
  let next = 0;
  const work = async () => {
    while (next < count) {
      const n = next++;
      const data = { id: `WO-${n}`, title: 'Replace fuel injector', status: 'open', note: 'x'.repeat(100) };
      await publisher.publish('work_orders', 'update', data, { key: `k${n % CALLERS}` });
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, work));
  return Math.round((count * 1000) / (performance.now() - began));
}

async function fill(dir, count) {
  const queue = { dir, maxMessages: 100_000_000, maxBytes: 1e12 };
  const sync = MqttSyncModule.forRoot({ brokerUrl: NOWHERE, vesselId: 'bench', queue });
  const app = await NestFactory.createApplicationContext(sync, { logger: false });
  const rate = await accept(app.get(SyncPublisher), count);
  await app.close();
  return rate;
}

/** Starts the service, waits until it listens, and ends it with a signal. */
async function start(dir, signal) {
  const limits = { MQTT_MAX_QUEUE_SIZE: '100000000', MQTT_MAX_QUEUE_BYTES: '1000000000000' };
  const env = { ...process.env, ...limits, MQTT_QUEUE_DIR: dir, MQTT_BROKER_URL: NOWHERE, VESSEL_ID: 'bench', PORT };
  const began = performance.now();
  const child = spawn(process.execPath, [SERVICE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) if (String(chunk).includes('Listening')) break;
  const listeningMs = Math.round(performance.now() - began);
  // What the start allocated and no longer needs is not what the backlog costs.
  await pause(1000);
  const anonymous = anonymousMiB(child.pid);
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
  return { listeningMs, anonymousMiB: anonymous };
}

try {
  const conditions = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model, loadBefore: loadavg()[0] };
  const [small, large] = [join(folder, 'small'), join(folder, 'large')];
  await fill(small, 1000);
  const acceptedPerSecond = await fill(large, messages);
  const result = {
    conditions,
    messages,
    acceptedPerSecond,
    with1000Waiting: await start(small, 'SIGTERM'),
    withAllWaiting: await start(large, 'SIGTERM'),
    beforeAKill: await start(large, 'SIGKILL'),
    afterAKill: await start(large, 'SIGTERM'),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// Measures the inbox on disk: changes recorded a second, the time of a look-up, and anonymous resident memory by how many
// message ids it remembers. Prints JSON. Needs `npm run build`.
//
//   npm run bench:inbox -- [ids, default 1000000]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { LmdbInbox } from '../../dist/mqtt-sync/subscriber/inbox/lmdb-inbox.js';
import { systemClock } from '../../dist/mqtt-sync/time/clock.js';

const GROUP = 1000;
const KEYS = 1000;
const LOOKUPS = 100_000;
const ids = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'bench-inbox-'));
const silent = { debug() {}, log() {}, warn() {}, error() {} };
const limits = { maxIds: ids, maxAgeS: 1e6, maxParked: 1000, maxParkedBytes: 1e8, catchUpFrom: 'first_seen' };

function anonymousMiB() {
  globalThis.gc?.();
  const [, kib] = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kib === undefined ? undefined : Math.round(Number(kib) / 1024);
}

let sequence = 0;
const sample = [];

function next() {
  const messageId = uuidv7();
  sequence++;
  if (sequence % Math.ceil(ids / 1000) === 0) sample.push(messageId);
  const place = { vesselId: 'mv-bench', epoch: 1, entity: 'work_orders', sequence, key: `k${sequence % KEYS}` };
  return { ...place, messageId, retained: false, replayed: false };
}

/** @returns changes a second, in groups as the receiver's window makes them, and CPU time for each, the store's thread included. */
async function record(inbox, count) {
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (let done = 0; done < count; done += GROUP) {
    await Promise.all(Array.from({ length: GROUP }, () => inbox.recordHandled(next())));
  }
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = Math.round((count * 1000) / (performance.now() - began));
  return { perSecond, cpuUs: Math.round((user + system) / count) };
}

/** @returns nanoseconds of CPU time of one look-up of an id. */
function lookUp(inbox, idOf, expected) {
  const change = { vesselId: 'mv-bench', entity: 'work_orders', key: 'k', retained: false, replayed: false };
  const cpu = process.cpuUsage();
  for (let n = 0; n < LOOKUPS; n++) {
    if (inbox.isKnown({ ...change, messageId: idOf(n) }) !== expected) throw new Error('a wrong answer');
  }
  return Math.round((process.cpuUsage(cpu).user * 1000) / LOOKUPS);
}

const inbox = new LmdbInbox({ ...limits, dir: join(folder, 'inbox') }, systemClock, silent);
await inbox.open();
await record(inbox, 10_000);
const anonymousMiBWith10000 = anonymousMiB();
const filling = await record(inbox, ids - 10_000);
const anonymousMiBWithAll = anonymousMiB();
const forgetting = await record(inbox, Math.round(ids / 10));
const { ids: remembered } = inbox.stats();
const strangers = Array.from({ length: 1000 }, () => uuidv7());
const recent = sample.slice(-800);
const knownNs = lookUp(inbox, (n) => recent[n % recent.length], true);
const unknownNs = lookUp(inbox, (n) => strangers[n % strangers.length], false);
await inbox.close();
const reopening = new LmdbInbox({ ...limits, dir: join(folder, 'inbox') }, systemClock, silent);
const began = performance.now();
await reopening.open();
const openMs = Math.round(performance.now() - began);
await reopening.close();
rmSync(folder, { recursive: true, force: true });
console.log(
  JSON.stringify(
    {
      ...{ node: process.version, cpu: cpus()[0]?.model, load: loadavg()[0], group: GROUP, keys: KEYS, remembered },
      ...{ filling, forgetting, knownNs, unknownNs, openMs },
      ...{ anonymousMiBWith10000, anonymousMiBWithAll },
    },
    undefined,
    2,
  ),
);

import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import type { SyncQueue } from '../../src/mqtt-sync/queue/sync-queue.js';
import { systemClock } from '../../src/mqtt-sync/time/clock.js';
import { LANES } from '../../src/mqtt-sync/wire/lanes.js';
import { queueFolder } from '../helpers/sync-application.js';
import { Oracle } from './oracle/oracle.js';
import { reportWithoutMessages } from './oracle/report.js';
import { DiskModel } from './power/disk-model.js';
import { storeEvents, type StoreEvent } from './power/store-trace.js';
import { canTrace, linesOf, tracing } from './power/strace.js';
import { scale } from './scale.js';
import { REPORT_FD } from './ship/orders.js';
import { type Launch, Ship } from './ship/ship.js';
import { conclude, record } from './summary/record.js';

const VESSEL = { vesselId: 'mv-fault', isExplicit: true };
const ROOM = { maxMessages: 1_000_000, maxBytes: 4e9, overflowPolicy: 'reject' as const, maxDeadLetters: 100 };

/** Nobody listens there: what is accepted stays in the queue. */
const NO_BROKER = 'mqtt://127.0.0.1:1';

/** The life of a ship under strace. */
interface Traced {
  readonly dir: string;
  readonly events: readonly StoreEvent[];
}

async function trace(launch: Omit<Launch, 'options'>): Promise<Traced> {
  const dir = join(queueFolder(), 'queue');
  const file = join(queueFolder(), 'trace');
  const options = { brokerUrl: NO_BROKER, vesselId: VESSEL.vesselId, queue: { dir, maxMessages: ROOM.maxMessages } };
  const ship = Ship.launch({ options, ...launch }, new Oracle(), tracing(file));
  await ship.says('done', 120_000);
  // strace hands SIGTERM on to nobody; without a broker there is nothing to say goodbye to.
  await ship.kill();
  const places = { storePath: join(dir, 'queue.mdb'), folder: dir, reportFd: REPORT_FD };
  return { dir, events: [...storeEvents(await linesOf(file), places)] };
}

const isAccepted = (event: StoreEvent) => event.kind === 'said' && event.line.startsWith('accepted ');

describe.skipIf(!canTrace())('What is on disk when publish() resolves (strace)', () => {
  it('the data, synced, and then the page that makes it count, written through', async () => {
    const begunMs = performance.now();
    const messages = 40;
    const { events } = await trace({ messages, callers: 1, burst: 1, keys: 12 });
    const firstAccepted = events.findIndex(isAccepted);
    const before = events.slice(0, firstAccepted).map(({ kind }) => kind);
    // A new file is nowhere after a power cut until its name is synced, too.
    expect(before.slice(before.indexOf('created'))).toContain('folder_sync');
    let accepted = 0;
    let since: StoreEvent[] = [];
    for (const event of events) {
      since.push(event);
      if (event.kind !== 'said') continue;
      if (isAccepted(event)) {
        accepted++;
        const begun = event.begun;
        const writes = since.filter((one) => one.kind === 'write');
        const data = writes.filter(({ isSynchronous }) => !isSynchronous);
        const sync = since.find((one) => one.kind === 'sync');
        const meta = writes.find(({ isSynchronous }) => isSynchronous);
        expect(data.length, `data of ${event.line}`).toBeGreaterThan(0);
        expect(sync, `a sync before ${event.line}`).toBeDefined();
        for (const { ended } of data) expect(sync!.begun).toBeGreaterThan(ended);
        expect(meta, `a meta page before ${event.line}`).toBeDefined();
        expect(meta!.begun).toBeGreaterThan(sync!.ended);
        expect(meta!.ended).toBeLessThan(begun);
      }
      since = [];
    }
    expect(accepted).toBe(messages);
    const seconds = Math.round((performance.now() - begunMs) / 1000);
    record(reportWithoutMessages('fdatasync before publish() resolves', messages, seconds));
  });

  it('survives a power cut at any of these moments, with nothing but what was synced, and with torn sectors of the rest', async () => {
    const { dir, events } = await trace({ messages: 480, callers: 4, burst: 6, keys: 24, size: 1500 });
    const promises = events.filter(isAccepted).length;
    const every = Math.max(1, Math.floor(promises / scale.powerCuts));
    const disk = new DiskModel();
    const oracle = new Oracle();
    const promised: string[] = [];
    let cuts = 0;
    for (const event of events) {
      disk.apply(event);
      if (!isAccepted(event) || event.kind !== 'said') continue;
      promised.push(event.line.split(' ')[1]!);
      if (promised.length % every !== 0) continue;
      for (const image of [disk.synced, disk.torn()]) {
        cuts++;
        const held = await messagesIn(image, dir);
        expect(promised.filter((messageId) => !held.has(messageId))).toEqual([]);
      }
    }
    // What the last of them holds is compared in full: content and order.
    for (const event of events.filter(isAccepted)) obligeBy(oracle, event);
    for (const message of (await messagesIn(disk.synced, dir)).values()) oracle.arrived(message);
    conclude(oracle.report({ name: 'power cut: only what was synced survives', rounds: cuts }));
  });
});

function obligeBy(oracle: Oracle, event: StoreEvent): void {
  if (event.kind !== 'said') return;
  const [, messageId, sequence, entity, hash] = event.line.split(' ') as [string, string, string, string, string];
  oracle.oblige({ messageId, entity, sequence: Number(sequence), fingerprint: Number(hash) });
}

type Envelope = Parameters<Oracle['arrived']>[0];

/** Starts from an image of the store, as the next start after a power cut would, and returns what the queue holds. */
async function messagesIn(image: Buffer, original: string): Promise<Map<string, Envelope>> {
  const dir = join(queueFolder(), 'queue');
  mkdirSync(dir);
  writeFileSync(join(dir, 'queue.mdb'), image);
  for (const name of ['epoch', 'running'])
    if (existsSync(join(original, name))) copyFileSync(join(original, name), join(dir, name));
  const queue = new DiskQueue({ ...ROOM, dir }, systemClock, silentLogger);
  await queue.open(VESSEL);
  try {
    return new Map([...takeAll(queue)].map((envelope) => [envelope.messageId, envelope]));
  } finally {
    await queue.close();
  }
}

function* takeAll(queue: SyncQueue): Generator<Envelope> {
  for (const lane of LANES) {
    for (;;) {
      const message = queue.take(lane, () => true);
      if (!message) break;
      yield JSON.parse(message.payload.toString()) as Envelope;
    }
  }
}

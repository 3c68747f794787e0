import { beforeEach, expect, it } from 'vitest';
import { FakeLink } from '../../../test/helpers/fake-link.js';
import { silentLogger, type SyncLogger } from '../logger.js';
import type { MessageDraft } from '../queue/message.js';
import { MemoryQueue } from '../queue/memory-queue.js';
import { SyncEvents } from '../sync-events.js';
import { FakeClock } from '../time/fake-clock.js';
import { DraftEnvelope } from '../wire/envelope.js';
import { Dispatcher } from './dispatcher.js';

const ROUND_TRIP_MS = 600;

let warnings: string[];
let clock: FakeClock;
let queue: MemoryQueue;
let dispatcher: Dispatcher;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function draft(text: string): MessageDraft {
  const base = { entity: 'work_orders', operation: 'update', key: text, messageId: text } as const;
  const envelope = new DraftEnvelope({ ...base, vesselId: 'v', timestamp: 't', dataJson: JSON.stringify(text) });
  return { ...base, topic: 't', qos: 1, retain: false, lane: 'normal', acceptedAtMs: 0, idIsGiven: false, envelope };
}

async function accept(count: number, text = ''): Promise<void> {
  await queue.accept(Array.from({ length: count }, (_, at) => draft(`${text}${at}`)));
  dispatcher.wake();
  await turn();
}

async function connect(receiveMaximum: number): Promise<FakeLink> {
  const link = new FakeLink(dispatcher, { receiveMaximum });
  await turn();
  return link;
}

/** The first of what is in flight is acknowledged after a round trip. */
async function acknowledgeFirst(link: FakeLink, afterMs = ROUND_TRIP_MS): Promise<void> {
  clock.advance(afterMs);
  link.acknowledge('puback', link.published[0]!.packetId);
  await turn();
}

beforeEach(async () => {
  warnings = [];
  clock = new FakeClock();
  const logger: SyncLogger = { ...silentLogger, warn: (line) => warnings.push(line) };
  const limits = { maxMessages: 10_000, maxBytes: 1e9, overflowPolicy: 'drop-oldest', maxDeadLetters: 100 } as const;
  queue = new MemoryQueue(limits, clock, silentLogger);
  await queue.open({ vesselId: 'v', isExplicit: true });
  const connection = { confirm() {} };
  dispatcher = new Dispatcher({ queue, connection, events: new SyncEvents(logger), clock, logger, maxInFlight: 100 });
  return async () => {
    dispatcher.stop();
    await queue.close();
  };
});

it('says once what the Receive Maximum costs, when it holds a backlog back, and again when it is another one', async () => {
  await accept(50);
  const link = await connect(20);
  expect(warnings).toEqual([]);
  await acknowledgeFirst(link);
  expect(warnings).toEqual([
    expect.stringMatching(/takes 20 unacknowledged messages: at most 33 a second at 600 ms, with 29 more/),
  ]);
  link.acknowledge('puback', link.published[1]!.packetId);
  await turn();
  expect(warnings).toHaveLength(1);
  link.lose();
  const again = await connect(20);
  await acknowledgeFirst(again);
  expect(warnings).toHaveLength(1);
  again.lose();
  await acknowledgeFirst(await connect(10));
  expect(warnings).toHaveLength(2);
});

it('says nothing when all that waits is on its way', async () => {
  await accept(21);
  await acknowledgeFirst(await connect(20));
  expect(warnings).toEqual([]);
});

it('says nothing on a short round trip, where the number hardly matters', async () => {
  await accept(50);
  await acknowledgeFirst(await connect(20), 5);
  expect(warnings).toEqual([]);
});

it('says nothing when our own limit is the smaller one', async () => {
  await accept(200);
  await acknowledgeFirst(await connect(100));
  expect(warnings).toEqual([]);
});

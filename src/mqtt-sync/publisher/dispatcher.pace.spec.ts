import { describe, expect, it, onTestFinished } from 'vitest';
import { draft, inMemory, VESSEL, watch } from '../../../test/contract/queue-harness.js';
import { FakeLink } from '../../../test/helpers/fake-link.js';
import { silentLogger } from '../logger.js';
import { SyncEvents } from '../sync-events.js';
import type { Lane } from '../wire/lanes.js';
import { Dispatcher } from './dispatcher.js';

/** A link whose packets count as so small that the window in bytes never ends: only how many are in flight does. */
class WideLink extends FakeLink {
  override packetBytes(): number {
    return 1;
  }
}

/** One turn of the event loop, in which the dispatcher fills its window. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A dispatcher over a queue in which so many messages of each lane wait; the topic of each tells its lane. */
async function waiting(counts: Partial<Record<Lane, number>>) {
  const { queue, clock } = watch(inMemory, { maxMessages: 10_000, maxBytes: 1e9 });
  await queue.open(VESSEL);
  for (const [lane, count] of Object.entries(counts) as [Lane, number][]) {
    await queue.accept(Array.from({ length: count }, () => draft(`type_${lane}`, { lane, topic: lane })));
  }
  const events = new SyncEvents(silentLogger);
  const connection = { confirm: () => {} };
  const dispatcher = new Dispatcher({ queue, connection, events, clock, logger: silentLogger, maxInFlight: 10_000 });
  onTestFinished(() => dispatcher.stop());
  const connect = (receiveMaximum: number) => new WideLink(dispatcher, { receiveMaximum });
  return { queue, connect };
}

function acknowledge(link: FakeLink, from: number, to: number): void {
  for (const { packetId } of link.published.slice(from, to)) link.acknowledge('puback', packetId);
}

describe('Dispatcher, how much it sends and when', () => {
  it('sends urgent messages first and most, and yet starves no lane', async () => {
    const { queue, connect } = await waiting({ bulk: 40, normal: 100, critical: 300 });
    const link = connect(10);
    await turn();
    for (let acknowledged = 0; queue.stats().messages > 0; acknowledged += 5) {
      expect(link.published.length).toBeGreaterThan(acknowledged);
      acknowledge(link, acknowledged, acknowledged + 5);
      await turn();
    }
    const lanes = link.published.map(({ topic }) => topic);
    expect(lanes.slice(0, 10)).toEqual(Array<Lane>(10).fill('critical'));
    const among = (sent: readonly string[]) => (lane: Lane) => sent.filter((other) => other === lane).length;
    const whileAllWait = among(lanes.slice(0, lanes.lastIndexOf('critical')));
    expect(whileAllWait('critical')).toBeGreaterThan(whileAllWait('normal') + whileAllWait('bulk'));
    expect(whileAllWait('normal')).toBeGreaterThan(whileAllWait('bulk'));
    expect(whileAllWait('bulk')).toBeGreaterThan(0);
    const whileTwoWait = among(lanes.slice(lanes.lastIndexOf('critical') + 1, lanes.lastIndexOf('normal')));
    expect(whileTwoWait('normal')).toBeGreaterThan(whileTwoWait('bulk'));
    expect(whileTwoWait('bulk')).toBeGreaterThan(0);
  });

  it('writes once for all that it sends in a turn, also when many acknowledgements made room for it', async () => {
    const { connect } = await waiting({ normal: 200 });
    const link = connect(50);
    await turn();
    expect([link.published.length, link.flushes]).toEqual([50, 1]);
    acknowledge(link, 0, 50);
    // Not from within an acknowledgement: more of them may be about to come.
    expect([link.published.length, link.flushes]).toEqual([50, 1]);
    await turn();
    expect([link.published.length, link.flushes]).toEqual([100, 2]);
  });

  it('sends no more than 256 in one turn of the event loop, and all in some', async () => {
    const { connect } = await waiting({ normal: 1000 });
    const link = connect(65_535);
    const sent: number[] = [];
    for (let turns = 0; turns < 5; turns++) {
      await turn();
      sent.push(link.published.length);
    }
    expect(sent).toEqual([256, 512, 768, 1000, 1000]);
    expect(new Set(link.published.map(({ packetId }) => packetId)).size).toBe(1000);
  });
});

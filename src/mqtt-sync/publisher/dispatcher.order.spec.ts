import { describe, expect, it } from 'vitest';
import { idsOf } from '../../../test/contract/queue-harness.js';
import { dispatcherScene, numbered, texts, topics, turn, type Wish } from '../../../test/helpers/dispatcher-scene.js';
import type { Lane } from '../wire/lanes.js';

describe('Dispatcher, what it sends first', () => {
  it('holds a message whose QoS differs from an unacknowledged earlier one of its key', async () => {
    const { accept, connect } = await dispatcherScene();
    await accept({ key: 'a', qos: 1, text: '1' }, { key: 'a', qos: 2, text: '2' }, { key: 'b', qos: 2, text: '3' });
    const link = await connect();
    expect(texts(link)).toEqual(['1', '3']);
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', '3', '2']);
  });

  it('does not keep what it only holds for the order from being dropped', async () => {
    const { accept, connect, observer } = await dispatcherScene({ maxMessages: 90 });
    const alternating = numbered(90).map((wish, at): Wish => ({ ...wish, key: 'a', qos: at % 2 ? 2 : 1 }));
    const ids = idsOf(await accept(...alternating));
    const link = await connect();
    expect(link.published).toHaveLength(1);
    link.lose();
    await accept({ text: 'new' });
    expect(observer.droppedIds).toEqual([ids[1]]);
  });

  it('sends a new critical message before the normal ones that wait', async () => {
    const { accept, connect } = await dispatcherScene();
    await accept(...numbered(10));
    const link = await connect({ receiveMaximum: 1 });
    await accept({ entity: 'alerts', lane: 'critical', text: 'fire' });
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
    expect(texts(link)).toEqual(['1', 'fire']);
  });

  it('sends urgent messages first and most, and yet starves no lane', async () => {
    const { accept, connect, waiting } = await dispatcherScene();
    const counts: [Lane, number][] = [
      ['bulk', 40],
      ['normal', 100],
      ['critical', 300],
    ];
    for (const [lane, count] of counts) await accept(...numbered(count, { entity: lane, lane }));
    const link = await connect({ receiveMaximum: 10 });
    for (let acknowledged = 0; waiting() > 0; acknowledged += 5) {
      const next = link.published.slice(acknowledged, acknowledged + 5);
      expect(next).not.toEqual([]);
      for (const { packetId } of next) link.acknowledge('puback', packetId);
      await turn();
    }
    const lanes = topics(link);
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

  it('sends a few urgent messages before a whole window that has to be sent again after a cut', async () => {
    const { accept, connect } = await dispatcherScene({ maxInFlight: 100 });
    await accept(...numbered(100));
    const first = await connect();
    first.lose();
    await accept(...numbered(50, { entity: 'alerts', lane: 'critical' }));
    const second = await connect();
    expect(topics(second).slice(0, 7)).toEqual(Array(7).fill('alerts'));
    expect(topics(second).slice(7)).toEqual(Array(93).fill('work_orders'));
  });
});

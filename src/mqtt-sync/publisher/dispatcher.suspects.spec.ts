import { describe, expect, it } from 'vitest';
import {
  dispatcherScene,
  numbered,
  textOf,
  texts,
  topics,
  turn,
  type Wish,
} from '../../../test/helpers/dispatcher-scene.js';
import { FakeLink } from '../../../test/helpers/fake-link.js';
import type { LinkLoss } from '../connection/link.js';

const NAMES_A_MESSAGE: LinkLoss = { reason: 'topic name invalid', by: 'server_disconnect', reasonCode: 0x90 };

async function scene() {
  const parts = await dispatcherScene();
  const { dispatcher, queue, clock, send, waiting } = parts;

  /** Connects again and again to a broker that hangs up on one text, until nothing waits or a last one is delivered. */
  const untilDelivered = async (announce: boolean, culprit = '3', last?: string) => {
    const delivered: string[] = [];
    let connections = 0;
    for (; waiting() > 0 && connections < 20 && !delivered.includes(last ?? ''); connections++) {
      const link = new FakeLink(dispatcher);
      if (announce) send('status');
      // Past the time for which a connection is left quiet.
      clock.advance(2000);
      for (let seen = 0; ;) {
        await turn();
        const packet = link.published[seen++];
        if (!packet) break;
        if (textOf(packet) === culprit) {
          link.lose();
          break;
        }
        delivered.push(textOf(packet));
        link.acknowledge('puback', packet.packetId);
      }
      await queue.settled();
    }
    return { connections, delivered: delivered.filter((text) => text !== 'status') };
  };
  return { ...parts, untilDelivered };
}

describe('Dispatcher, when the broker hangs up on a message', () => {
  it.each([
    ['its status', true, []],
    ['only messages of another entity type', false, [{ entity: 'crew', text: '6' }]],
  ] as const)(
    'isolates a message on which the broker hangs up, and delivers the rest, with %s to show that the broker works',
    async (_evidence, announce, others) => {
      const { accept, connect, observer, untilDelivered } = await scene();
      await accept(...numbered(5));
      const first = await connect();
      first.acknowledge('puback', first.published[0]!.packetId);
      first.acknowledge('puback', first.published[1]!.packetId);
      first.lose();
      await accept(...others);
      const { connections, delivered } = await untilDelivered(announce);
      expect(observer.letters.map(({ message }) => textOf(message!))).toEqual(['3']);
      expect(observer.letters[0]).toMatchObject({ reason: 'broker_hangs_up' });
      expect(delivered.sort()).toEqual(['4', '5', ...others.map(({ text }) => text)]);
      expect(connections).toBeLessThanOrEqual(7);
    },
  );

  it('lets the other entity types go on after the first of many culprits in a row', async () => {
    const { accept, untilDelivered } = await scene();
    await accept(...Array<Wish>(30).fill({ entity: 'alerts', lane: 'critical', text: 'bad' }));
    await accept({ entity: 'crew', text: 'good' });
    const { connections, delivered } = await untilDelivered(true, 'bad', 'good');
    expect(delivered).toEqual(['good']);
    expect(connections).toBeLessThanOrEqual(7);
  });

  it('does not let a suspect in a paused entity type hold up the other types', async () => {
    const { accept, connect } = await scene();
    await accept({ text: 'x' }, { text: 'y' }, { text: 'z' });
    const first = await connect();
    await accept({ entity: 'crew', text: 'other' });
    first.acknowledge('puback', first.published[0]!.packetId, 0x97);
    first.lose({ reason: 'packet too large', by: 'server_disconnect', reasonCode: 0x95 });
    const second = await connect();
    expect(texts(second)).toEqual(['other']);
  });

  it.each([
    ['its own traffic', 'control'],
    ['a message of QoS 0', 'qos0'],
    ['a SUBSCRIBE', 'subscribe'],
  ] as const)('does not set a message aside for what may have been the fault of %s', async (_name, other) => {
    const { accept, connect, send, queue, observer } = await scene();
    await accept({ entity: 'equipment' });
    const link = await connect();
    if (other === 'control') send('status');
    else if (other === 'qos0') await accept({ entity: 'positions', qos: 0 });
    else link.isSubscribing = true;
    await turn();
    expect(link.published).toHaveLength(other === 'subscribe' ? 1 : 2);
    link.lose(NAMES_A_MESSAGE);
    await queue.settled();
    expect(observer.letters).toEqual([]);
    const next = await connect();
    expect(topics(next)).toEqual(['equipment']);
    next.lose(NAMES_A_MESSAGE);
    await queue.settled();
    expect(observer.letters).toMatchObject([{ reason: 'broker_hangs_up' }]);
  });
});

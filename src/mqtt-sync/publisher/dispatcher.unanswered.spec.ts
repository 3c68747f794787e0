import { describe, expect, it } from 'vitest';
import { dispatcherScene, numbered, topics, turn, type Wish } from '../../../test/helpers/dispatcher-scene.js';
import type { FakeLink } from '../../../test/helpers/fake-link.js';

describe('Dispatcher, what is not answered', () => {
  it('cuts a link on which nothing is acknowledged, but not one on which acknowledgements keep coming', async () => {
    const { accept, connect, clock, dispatcher, waiting } = await dispatcherScene();
    await accept(...numbered(2));
    const link = await connect();
    clock.advance(14_000);
    link.acknowledge('puback', link.published[0]!.packetId);
    clock.advance(14_000);
    expect(dispatcher.inFlight).toBe(1);
    clock.advance(3_000);
    expect(dispatcher.inFlight).toBe(0);
    expect(waiting()).toBe(1);
  });

  // Found by the fault suite: a trickle of new changes kept a link alive on which nothing was acknowledged any more.
  it('cuts such a link also while new messages are being written', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    const link = await connect();
    for (let second = 0; second < 20; second++) {
      await accept({ text: String(second) });
      dispatcher.drained(link);
      clock.advance(1000);
    }
    expect(dispatcher.inFlight).toBe(0);
  });

  /** How long a broker keeps a connection that acknowledges the status and nothing after it. */
  const livesFor = async (count: number, bytes: number) => {
    const { accept, connect, clock, dispatcher, send } = await dispatcherScene();
    const link = await connect();
    send('x'.repeat(200));
    await turn();
    clock.advance(700);
    link.acknowledge('puback', link.published[0]!.packetId);
    await accept(...Array<Wish>(count).fill({ text: 'x'.repeat(bytes) }));
    let seconds = 0;
    for (; dispatcher.inFlight > 0 && seconds < 3600; seconds++) clock.advance(1000);
    return seconds;
  };

  it.each([
    ['many small messages', 100, 500],
    ['one large message', 1, 200_000],
  ] as const)(
    'does not take what the service happened to send for what the link carries: %s',
    async (_, count, bytes) => {
      // At three times what 3,000 B/s need; one status in a round trip reads as a tenth of that rate.
      expect(await livesFor(count, bytes)).toBeLessThan(16 + (count * (bytes + 300)) / 1000);
    },
  );

  it('waits for what was sent with QoS 0 ahead of a message, but not for ever', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    await connect();
    await accept(...Array<Wish>(100).fill({ entity: 'positions', qos: 0, text: 'x'.repeat(300) }));
    await accept({ entity: 'alerts' });
    clock.advance(40_000);
    expect(dispatcher.inFlight).toBe(1);
    await accept(...Array<Wish>(4000).fill({ entity: 'positions', qos: 0, text: 'x'.repeat(300) }));
    clock.advance(40_000);
    expect(dispatcher.inFlight).toBe(0);
  });

  it('waits two minutes at most for what was sent with QoS 0 ahead', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    await connect();
    await accept(...Array<Wish>(4000).fill({ entity: 'positions', qos: 0, text: 'x'.repeat(300) }));
    for (let turns = 0; turns < 20; turns++) await turn();
    await accept({ entity: 'alerts' });
    clock.advance(130_000);
    expect(dispatcher.inFlight).toBe(1);
    clock.advance(10_000);
    expect(dispatcher.inFlight).toBe(0);
  });

  it('does not wait for QoS 0 that was long ago, or that a later acknowledgement has shown to be through', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    const link = await connect();
    const positions = () => accept(...Array<Wish>(100).fill({ entity: 'positions', qos: 0, text: 'x'.repeat(300) }));
    await positions();
    clock.advance(60_000);
    await accept({ entity: 'alerts' });
    clock.advance(16_000);
    expect(dispatcher.inFlight).toBe(0);
    expect(link.published).toHaveLength(101);
    const next = await connect();
    await positions();
    next.acknowledge('puback', next.published[0]!.packetId);
    await accept({ entity: 'alerts' });
    next.acknowledge('puback', next.published.at(-1)!.packetId);
    await accept({ entity: 'alerts' });
    clock.advance(16_000);
    expect(dispatcher.inFlight).toBe(0);
  });

  it('does not time out while nothing is in flight', async () => {
    const { connect, clock } = await dispatcherScene();
    await connect();
    expect(clock.pendingTimers).toBe(0);
  });

  it('cuts a link on which one message gets no answer though later ones do, and not again within minutes', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    await accept({ entity: 'equipment' });
    const link = await connect();
    const lives = async (on: FakeLink) => {
      let seconds = 0;
      for (; dispatcher.inFlight > 0 && seconds < 600; seconds += 5) {
        await accept({ entity: 'crew' });
        clock.advance(5000);
        const answered = on.published.findLast(({ topic }) => topic === 'crew');
        if (answered) on.acknowledge('puback', answered.packetId);
      }
      return seconds;
    };
    expect(await lives(link)).toBeLessThanOrEqual(60);
    const next = await connect();
    expect(topics(next)).toContain('equipment');
    const secondsOfNext = await lives(next);
    expect(secondsOfNext).toBeGreaterThanOrEqual(240);
    expect(secondsOfNext).toBeLessThanOrEqual(360);
  });

  it('cuts a link on which one PUBREL gets no PUBCOMP though later ones do, and sends it again', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    await accept({ entity: 'alerts', qos: 2 });
    const link = await connect();
    const { packetId } = link.published[0]!;
    link.acknowledge('pubrec', packetId);
    for (let seconds = 0; dispatcher.inFlight > 0 && seconds < 120; seconds += 5) {
      await accept({ entity: 'alerts', qos: 2, key: String(seconds) });
      clock.advance(5000);
      const later = link.published.at(-1)!;
      link.acknowledge('pubrec', later.packetId);
      link.acknowledge('pubcomp', later.packetId);
    }
    expect(dispatcher.inFlight).toBe(0);
    const next = await connect({ sessionPresent: true });
    expect(next.sent[0]).toEqual({ kind: 'pubrel', packetId });
  });

  it('does not cut a link on which a slow broker answers one after the other', async () => {
    const { accept, connect, clock, dispatcher } = await dispatcherScene();
    await accept(...numbered(20));
    const link = await connect();
    for (let at = 0; at < 19; at++) {
      clock.advance(10_000);
      link.acknowledge('puback', link.published[at]!.packetId);
    }
    expect(dispatcher.inFlight).toBe(1);
  });
});

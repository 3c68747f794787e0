import { describe, expect, it } from 'vitest';
import { dispatcherScene, numbered, turn } from '../../../test/helpers/dispatcher-scene.js';
import { FakeLink } from '../../../test/helpers/fake-link.js';

/** A link whose packets count as so small that the window in bytes never ends: only how many are in flight does. */
class WideLink extends FakeLink {
  override packetBytes(): number {
    return 1;
  }
}

describe('Dispatcher, how much it sends and when', () => {
  it('writes once for all that it sends in a turn, also when many acknowledgements made room for it', async () => {
    const { accept, dispatcher } = await dispatcherScene();
    await accept(...numbered(200));
    const link = new WideLink(dispatcher, { receiveMaximum: 50 });
    await turn();
    expect([link.published.length, link.flushes]).toEqual([50, 1]);
    for (const { packetId } of link.published) link.acknowledge('puback', packetId);
    // Not from within an acknowledgement: more of them may be about to come.
    expect([link.published.length, link.flushes]).toEqual([50, 1]);
    await turn();
    expect([link.published.length, link.flushes]).toEqual([100, 2]);
  });

  it('sends no more than 256 in one turn of the event loop, and all in some', async () => {
    const { accept, dispatcher } = await dispatcherScene({ maxInFlight: 10_000 });
    await accept(...numbered(1000));
    const link = new WideLink(dispatcher);
    const sent: number[] = [];
    for (let turns = 0; turns < 5; turns++) {
      await turn();
      sent.push(link.published.length);
    }
    expect(sent).toEqual([256, 512, 768, 1000, 1000]);
    expect(new Set(link.published.map(({ packetId }) => packetId)).size).toBe(1000);
  });

  it('does not pile QoS 0 up in a socket that takes nothing', async () => {
    const { accept, dispatcher } = await dispatcherScene();
    await accept(...numbered(10, { qos: 0 }));
    const link = new FakeLink(dispatcher);
    link.bufferedBytes = 1e9;
    await turn();
    expect(link.sent).toEqual([]);
    link.bufferedBytes = 0;
    dispatcher.drained(link);
    await turn();
    expect(link.sent).toHaveLength(10);
  });
});

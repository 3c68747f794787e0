import { describe, expect, it } from 'vitest';
import { dispatcherScene, texts, turn } from '../../../test/helpers/dispatcher-scene.js';

describe('Dispatcher, its own traffic', () => {
  it('refuses its own traffic where it is larger than the broker takes', async () => {
    const { connect, send, outcomes } = await dispatcherScene();
    const link = await connect({ maximumPacketSize: 100 });
    send('x'.repeat(200));
    await turn();
    expect(outcomes).toEqual(['refused']);
    expect(link.sent).toEqual([]);
  });

  it('sends only its own traffic once it holds', async () => {
    const { accept, connect, dispatcher, send, outcomes } = await dispatcherScene();
    const link = await connect();
    dispatcher.hold();
    await accept({ text: '1' });
    send('off');
    await turn();
    expect(texts(link)).toEqual(['off']);
    link.acknowledge('puback', link.published[0]!.packetId);
    expect(outcomes).toEqual(['acknowledged']);
  });

  it('tells its own traffic a refusal that says nothing against it from one that is for good', async () => {
    const { connect, send, outcomes } = await dispatcherScene();
    const link = await connect();
    send('status');
    send('gap');
    await turn();
    link.acknowledge('puback', link.published[0]!.packetId, 0x97);
    link.acknowledge('puback', link.published[1]!.packetId, 0x99);
    expect(outcomes).toEqual(['refused_in_passing', 'refused']);
  });

  it('tells its own traffic what became of it: refused, lost with the link, or not sent at all', async () => {
    const { connect, send, outcomes } = await dispatcherScene();
    send('without a link');
    const link = await connect();
    send('refused');
    await turn();
    link.acknowledge('puback', link.published[0]!.packetId, 0x87);
    send('sent');
    await turn();
    send('not yet sent');
    link.lose();
    expect(outcomes).toEqual(['not_sent', 'refused', 'lost', 'not_sent']);
  });
});

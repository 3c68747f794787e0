import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { inMemory, type MakeQueue, onDisk, temporaryFolder, VESSEL } from '../../../test/contract/queue-harness.js';
import { dispatcherScene } from '../../../test/helpers/dispatcher-scene.js';
import { DraftEnvelope } from '../wire/envelope.js';
import { DeliveryWatch } from './delivery-watch.js';
import { SyncPublisher } from './sync-publisher.service.js';

/** Stands in the data, so that a text which was made of the data can be told from others. */
const MARK = 'unmistakable';

/** A publisher and its dispatcher, as they work together in the module. */
async function start(make: MakeQueue) {
  const { queue, clock, events, dispatcher, connect } = await dispatcherScene({ make });
  const { vesselId } = VESSEL;
  const options = { localMode: true, topicPrefix: 'vessel/sync', maxMessageBytes: 1024, entities: {}, vesselId };
  const watch = new DeliveryWatch(queue, clock);
  const accepted = () => dispatcher.wake();
  const parts = { queue, watch, events, clock, isConnected: () => true, accepted };
  return { publisher: new SyncPublisher(options, parts), link: await connect(), queue };
}

describe('The way of a change from publish() to the link', () => {
  it.each([
    { store: 'memory', maker: () => inMemory },
    { store: 'disk', maker: () => onDisk(temporaryFolder()) },
  ])('serialises the data once, and sends the very bytes that were stored: $store', async ({ maker }) => {
    const { publisher, link, queue } = await start(maker());
    const toJSON = vi.fn(() => ({ id: 1, text: MARK }));
    const seal = vi.spyOn(DraftEnvelope.prototype, 'seal');
    const stringify = vi.spyOn(JSON, 'stringify');
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => [seal, stringify, parse].forEach((spy) => void spy.mockRestore()));

    await publisher.publish('work_orders', 'update', { id: 1, toJSON });
    await vi.waitFor(() => expect(link.published).toHaveLength(1));
    const { payload, packetId } = link.published[0]!;
    link.acknowledge('puback', packetId);
    await queue.settled();

    expect(toJSON).toHaveBeenCalledTimes(1);
    expect(stringify.mock.results.filter(({ value }) => String(value).includes(MARK))).toHaveLength(1);
    expect(parse.mock.calls.filter(([text]) => text.includes(MARK))).toEqual([]);
    expect(seal).toHaveBeenCalledTimes(1);
    expect(payload).toBe(seal.mock.results[0]!.value);
    expect(payload.toString()).toContain(`"data":{"id":1,"text":"${MARK}"}`);
  });
});

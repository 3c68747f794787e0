import { expect, it } from 'vitest';
import { dispatcherScene, numbered, turn } from '../../../test/helpers/dispatcher-scene.js';
import type { FakeLink } from '../../../test/helpers/fake-link.js';

const ROUND_TRIP_MS = 600;

async function scene() {
  const { accept, connect, clock, logger } = await dispatcherScene();
  /** The first of what is in flight is acknowledged after a round trip. */
  const acknowledgeFirst = async (link: FakeLink, afterMs = ROUND_TRIP_MS): Promise<void> => {
    clock.advance(afterMs);
    link.acknowledge('puback', link.published[0]!.packetId);
    await turn();
  };
  return {
    accept: (count: number) => accept(...numbered(count)),
    connect: (receiveMaximum: number) => connect({ receiveMaximum }),
    acknowledgeFirst,
    warnings: logger.warnings,
  };
}

it('says once what the Receive Maximum costs, when it holds a backlog back, and again when it is another one', async () => {
  const { accept, connect, acknowledgeFirst, warnings } = await scene();
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
  const { accept, connect, acknowledgeFirst, warnings } = await scene();
  await accept(21);
  await acknowledgeFirst(await connect(20));
  expect(warnings).toEqual([]);
});

it('says nothing on a short round trip, where the number hardly matters', async () => {
  const { accept, connect, acknowledgeFirst, warnings } = await scene();
  await accept(50);
  await acknowledgeFirst(await connect(20), 5);
  expect(warnings).toEqual([]);
});

it('says nothing when our own limit is the smaller one', async () => {
  const { accept, connect, acknowledgeFirst, warnings } = await scene();
  await accept(200);
  await acknowledgeFirst(await connect(100));
  expect(warnings).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../time/fake-clock.js';
import type { CatchUpRequest } from './catch-up-request.js';
import { RequestLine } from './request-line.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function setScene() {
  const clock = new FakeClock();
  const begun: { readonly id: string; readonly signal: AbortSignal; readonly end: () => void }[] = [];
  const line = new RequestLine(
    clock,
    ({ id }, signal) => new Promise((resolve) => begun.push({ id, signal, end: () => resolve() })),
  );
  const add = (id: string, entity = 'crew', requester = 'office') =>
    line.add({
      ...{ id, entity, requester, epoch: undefined, ranges: undefined },
      ...{ sinceSequence: 0, sinceTimeMs: undefined, limit: 1000, sourceLimit: undefined },
    } satisfies CatchUpRequest);
  return { clock, begun, line, add, ids: () => begun.map(({ id }) => id) };
}

describe('The line of requests', () => {
  it('answers one request at a time per entity type, four in all', async () => {
    const { begun, line, add, ids } = setScene();
    for (const requester of ['a', 'b'])
      for (const entity of ['one', 'two', 'three', 'four', 'five']) add(`${requester} ${entity}`, entity, requester);
    expect(ids()).toEqual(['a one', 'a two', 'a three', 'a four']);
    begun[1]!.end();
    await turn();
    expect(ids().slice(4)).toEqual(['a five']);
    expect(line.active).toBe(4);
  });

  it('lets a newer request of the same requester take the place of the older one', async () => {
    const { clock, begun, add, ids } = setScene();
    add('first');
    add('second');
    add('third');
    expect(begun[0]!.signal.aborted).toBe(true);
    begun[0]!.end();
    await turn();
    // Not before a second has passed: who asks in a hurry gets one answer.
    expect(ids()).toEqual(['first']);
    clock.advance(1000);
    expect(ids()).toEqual(['first', 'third']);
  });

  it('goes on with a request that comes again while it is answered', () => {
    const { begun, add, ids } = setScene();
    add('first');
    add('first');
    expect([ids(), begun[0]!.signal.aborted]).toEqual([['first'], false]);
  });

  it('looks at no more than 50 in a second', () => {
    const { clock, line } = setScene();
    const looked = () => Array.from({ length: 60 }, () => line.hasTime).filter(Boolean).length;
    expect(looked()).toBe(50);
    clock.advance(1000);
    expect(looked()).toBe(50);
  });

  it('begins nothing after the stop, and tells who is at it', async () => {
    const { clock, begun, line, add, ids } = setScene();
    add('first');
    add('other', 'crew', 'elsewhere');
    line.stop();
    expect(begun[0]!.signal.aborted).toBe(true);
    begun[0]!.end();
    await turn();
    add('late', 'alerts');
    clock.advance(10_000);
    expect(ids()).toEqual(['first']);
  });
});

import { describe, expect, it } from 'vitest';
import { inBatches } from './batches.js';

const LIMITS = { items: 3, bytes: 10, waitMs: 60_000 };

async function batchesOf(items: readonly string[], limits = LIMITS): Promise<string[][]> {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there
  const source = (async function* () {
    yield* items;
  })();
  const batches: string[][] = [];
  for await (const batch of inBatches(source, ({ length }) => length, limits)) batches.push(batch);
  return batches;
}

describe('batches', () => {
  it('have so many items at most, and nothing is left over', async () => {
    expect(await batchesOf(['a', 'b', 'c', 'd'])).toEqual([['a', 'b', 'c'], ['d']]);
    expect(await batchesOf([])).toEqual([]);
  });

  it('have so many bytes at most, but for one item that is larger by itself', async () => {
    expect(await batchesOf(['aaaa', 'bbbbbb', 'c', 'd'.repeat(20), 'e'])).toEqual([
      ['aaaa', 'bbbbbb'],
      ['c'],
      ['d'.repeat(20)],
      ['e'],
    ]);
  });

  it('go when nothing more comes for a while, and then go on', async () => {
    let come = () => {};
    const source = (async function* () {
      yield 'a';
      await new Promise<void>((resolve) => (come = resolve));
      yield 'b';
    })();
    const batches = inBatches(source, () => 1, { ...LIMITS, waitMs: 1 });
    expect((await batches.next()).value).toEqual(['a']);
    come();
    expect((await batches.next()).value).toEqual(['b']);
    expect((await batches.next()).done).toBe(true);
  });
});

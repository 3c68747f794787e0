import { describe, expect, it } from 'vitest';
import { type Outage, Outages } from './outages.js';

const outage = (fromMs: number, toMs: number, kind: Outage['kind'] = 'disconnected'): Outage => ({
  ...{ kind, fromMs, toMs, count: 1 },
  reason: `from ${fromMs}`,
});

describe('Outages', () => {
  it('tells those closest together as one when there are too many, and loses no count', () => {
    const outages = new Outages([], 3);
    for (const [from, to] of [
      [0, 10],
      [100, 110],
      [115, 120],
      [500, 510],
    ] as const) {
      outages.add(outage(from, to));
    }
    expect(outages.toArray()).toEqual([
      outage(0, 10),
      { kind: 'disconnected', fromMs: 100, toMs: 120, reason: 'from 115', count: 2 },
      outage(500, 510),
    ]);
  });

  it('stays bounded however a link flaps', () => {
    const outages = new Outages();
    for (let at = 0; at < 10_000; at++) outages.add(outage(at * 100, at * 100 + 50));
    const list = outages.toArray();
    expect(list.length).toBe(100);
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    expect([list[0]!.fromMs, list.at(-1)!.toMs]).toEqual([0, 999_950]);
  });
});

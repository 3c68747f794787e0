import { describe, expect, it } from 'vitest';
import { PacketIds } from './packet-ids.js';

describe('PacketIds', () => {
  it('hands out 2 to 65,535 and then none, until one is freed', () => {
    const ids = new PacketIds();
    const all = Array.from({ length: 65_534 }, () => ids.allocate());
    expect(new Set(all).size).toBe(65_534);
    expect(all[0]).toBe(2);
    expect(all.at(-1)).toBe(65_535);
    expect(ids.allocate()).toBeUndefined();
    ids.free(4711);
    expect(ids.allocate()).toBe(4711);
  });

  it('skips ids that are still in use after going round', () => {
    const ids = new PacketIds();
    expect(ids.allocate()).toBe(2);
    for (let count = 3; count <= 65_535; count++) ids.free(ids.allocate()!);
    expect(ids.allocate()).toBe(3);
  });

  it('counts an id once, however often it is freed, and none that was never in use', () => {
    const ids = new PacketIds();
    const all = Array.from({ length: 65_534 }, () => ids.allocate()!);
    for (const id of [4711, 4711, 0, 1, 70_000]) ids.free(id);
    expect(ids.allocate()).toBe(4711);
    expect(ids.allocate()).toBeUndefined();
    ids.clear();
    ids.clear();
    expect(new Set(all.map(() => ids.allocate())).size).toBe(65_534);
    expect(ids.allocate()).toBeUndefined();
  });
});

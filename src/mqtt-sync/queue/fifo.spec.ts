import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.js';

describe('Fifo', () => {
  it('gives items back in the order in which they came', () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 5000; i++) fifo.push(i);
    expect(Array.from({ length: 4000 }, () => fifo.shift())).toEqual(Array.from({ length: 4000 }, (_, i) => i));
    fifo.push(5000);
    expect([fifo.length, fifo.first]).toEqual([1001, 4000]);
    expect(fifo.drain()).toEqual(Array.from({ length: 1001 }, (_, i) => 4000 + i));
    expect([fifo.length, fifo.first, fifo.shift()]).toEqual([0, undefined, undefined]);
  });

  it('puts items before the first one in their order', () => {
    const fifo = new Fifo<number>();
    for (const item of [1, 2, 3]) fifo.push(item);
    fifo.shift();
    fifo.unshift([0, 1]);
    expect([...fifo]).toEqual([0, 1, 2, 3]);
  });
});

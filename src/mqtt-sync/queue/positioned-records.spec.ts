import { describe, expect, it } from 'vitest';
import { randomOf } from '../../../test/contract/queue-harness.js';
import { PositionedRecords } from './positioned-records.js';

describe('PositionedRecords', () => {
  it('does not grow while records come and go behind one that stays', () => {
    const records = new PositionedRecords<string>();
    records.append(0, 'stays');
    for (let position = 1; position <= 100_000; position++) {
      records.append(position, 'passes');
      if (position > 100) records.remove(position - 100);
    }
    expect(records.places).toBeLessThan(4096);
    expect(records.get(0)).toBe('stays');
    expect([...records.after(-1)]).toHaveLength(101);
  });

  it.each([1, 2, 3])('holds what a map would, whatever is added and removed (seed %i)', (seed) => {
    const random = randomOf(seed);
    const records = new PositionedRecords<number>();
    const model = new Map<number, number>();
    const remove = (position: number) => {
      records.remove(position);
      model.delete(position);
    };
    let last = 0;
    for (let step = 0; step < 20_000; step++) {
      const anywhere = random(last + 2);
      if (random(5) === 0) {
        records.insert(anywhere, step);
        model.set(anywhere, step);
        last = Math.max(last, anywhere);
      } else if (random(2) === 0) {
        records.append(++last, step);
        model.set(last, step);
      } else {
        // Twice: what is gone is not to be counted again.
        remove(anywhere);
        remove(anywhere);
      }
      const oldest = Math.min(...[...model.keys()].slice(0, 1), Infinity);
      if (random(3) === 0 && oldest < Infinity) remove(oldest);
      expect(records.get(anywhere)).toBe(model.get(anywhere));
    }
    const sorted = [...model].sort(([one], [other]) => one - other).map(([, record]) => record);
    expect([...records.after(-1)]).toEqual(sorted);
    expect(records.places).toBeLessThanOrEqual(Math.max(1025, 2 * model.size));
  });
});

import { describe, expect, it } from 'vitest';
import { EffectLedger } from '../faults/ends/effect-ledger.js';

describe('The ledger of effects', () => {
  it('takes a repeat after a kill for what the window allows, and counts it', () => {
    const ledger = new EffectLedger();
    ledger.born(1);
    expect(ledger.effect('a')).toBe(true);
    expect(ledger.effect('b')).toBe(true);
    ledger.born(2);
    expect(ledger.effect('a')).toBe(false);
    ledger.born(3);
    expect(ledger.effect('a')).toBe(false);
    expect(ledger.effect('b')).toBe(false);
    expect(ledger).toMatchObject({ faults: [], repeated: 3, mostAfterOneKill: 2 });
  });

  it('finds a repeat without a kill, and one of what was recorded', () => {
    const ledger = new EffectLedger();
    ledger.born(1);
    ledger.effect('a');
    ledger.effect('a');
    ledger.effect('b');
    ledger.record('b');
    ledger.born(2);
    ledger.effect('b');
    expect(ledger.faults).toEqual(['a was handled twice in life 1', 'b was handled again although it was recorded']);
  });
});

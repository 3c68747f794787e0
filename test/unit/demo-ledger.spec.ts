import { beforeEach, describe, expect, it } from 'vitest';
import { faultsOf, Ledger, type LedgerEntry } from '../../demo/ledger.js';

const entry = (sequence: number, key = 'WO-1'): LedgerEntry => ({
  messageId: `id-${sequence}`,
  entity: 'work_orders',
  key,
  sequence,
  data: { id: key, step: sequence },
});

describe('the ledger of the demo', () => {
  const voyage = [entry(1), entry(2), entry(3, 'WO-2'), entry(4), entry(5, 'WO-2')];
  let ledger: Ledger;

  beforeEach(() => {
    ledger = new Ledger();
    for (const change of voyage) ledger.recordAccepted(change);
  });

  const arrive = (...changes: LedgerEntry[]) => changes.map((change) => ledger.recordArrival(structuredClone(change)));

  it('balances when everything accepted arrives once and in order', () => {
    arrive(...voyage);
    expect(ledger.isSettled).toBe(true);
    expect(ledger.balance()).toMatchObject({ accepted: 5, delivered: 5, lost: 0, outOfOrder: 0, duplicatesRemoved: 0 });
    expect(faultsOf(ledger.balance())).toEqual([]);
  });

  it('balances when different entities overtake each other', () => {
    arrive(entry(3, 'WO-2'), entry(1), entry(5, 'WO-2'), entry(2), entry(4));
    expect(faultsOf(ledger.balance())).toEqual([]);
  });

  it('finds a planted loss and names what is missing', () => {
    arrive(...voyage.filter(({ sequence }) => sequence !== 3));
    expect(ledger.isSettled).toBe(false);
    expect([...ledger.missing()]).toEqual([entry(3, 'WO-2')]);
    expect(faultsOf(ledger.balance())).toEqual(['1 accepted changes never arrived']);
  });

  it('finds a planted swap within one entity', () => {
    arrive(entry(2), entry(1), entry(3, 'WO-2'), entry(4), entry(5, 'WO-2'));
    expect(ledger.balance().outOfOrder).toBe(1);
    expect(faultsOf(ledger.balance())).toHaveLength(1);
  });

  it('removes and counts a planted repeat, which is no fault', () => {
    arrive(...voyage);
    expect(arrive(entry(1), entry(4))).toEqual([false, false]);
    expect(ledger.balance()).toMatchObject({ delivered: 5, duplicatesRemoved: 2, outOfOrder: 0 });
    expect(faultsOf(ledger.balance())).toEqual([]);
  });

  it('does not let a repeat stand in for a loss', () => {
    arrive(entry(1), entry(1), entry(2), entry(3, 'WO-2'), entry(4));
    expect(ledger.isSettled).toBe(false);
    expect(ledger.balance()).toMatchObject({ delivered: 4, lost: 1, duplicatesRemoved: 1 });
  });

  it('finds a change whose content or sequence was altered on the way', () => {
    arrive({ ...entry(1), data: { id: 'WO-1', step: 99 } }, ...voyage.slice(1, 4), {
      ...entry(5, 'WO-2'),
      sequence: 6,
    });
    expect(ledger.balance().altered).toBe(2);
    expect(faultsOf(ledger.balance())).toHaveLength(1);
  });

  it('finds a change that was never accepted', () => {
    arrive(...voyage, entry(6));
    expect(faultsOf(ledger.balance())).toEqual(['1 changes arrived that were never accepted']);
  });

  it('takes an arrival before its acceptance as the same change', () => {
    arrive(...voyage, entry(6));
    ledger.recordAccepted(entry(6));
    expect(faultsOf(ledger.balance())).toEqual([]);
  });

  it('does not balance when changes were dropped, or when nothing happened at all', () => {
    arrive(...voyage);
    ledger.recordGap(3);
    expect(faultsOf(ledger.balance())).toEqual(['3 changes were dropped']);
    expect(faultsOf(new Ledger().balance())).toHaveLength(1);
  });
});

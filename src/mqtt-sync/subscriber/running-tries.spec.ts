import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../time/fake-clock.js';
import { Circumstances } from './circumstances.js';
import { RunningTries } from './running-tries.js';

const TIMEOUT_MS = 1000;

describe('RunningTries', () => {
  let clock: FakeClock;
  let tries: RunningTries;
  let expired: string[];

  beforeEach(() => {
    clock = new FakeClock();
    tries = new RunningTries(TIMEOUT_MS, clock);
    expired = [];
  });

  function begin(name: string): Circumstances {
    const circumstances = new Circumstances(false, 1);
    circumstances.onExpiry(() => {
      expired.push(name);
      tries.delete(circumstances);
    });
    tries.add(circumstances);
    return circumstances;
  }

  it('gives each try its whole time, with one timer for all of them', () => {
    const first = begin('first');
    clock.advance(400);
    begin('second');
    begin('third');
    expect(clock.pendingTimers).toBe(1);
    clock.advance(599);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(['first']);
    expect(first.signal.aborted).toBe(true);
    clock.advance(399);
    expect(expired).toEqual(['first']);
    clock.advance(1);
    expect(expired).toEqual(['first', 'second', 'third']);
  });

  it('lets nothing expire that has ended, and has no timer when nothing runs any more', () => {
    tries.delete(begin('ended'));
    clock.advance(TIMEOUT_MS);
    expect([expired, clock.pendingTimers]).toEqual([[], 0]);
    begin('later');
    clock.advance(TIMEOUT_MS);
    expect(expired).toEqual(['later']);
  });

  it('tells those that run when nobody waits for them any more, and lets none of them expire after that', async () => {
    const one = begin('one');
    const idle = tries.idle();
    tries.abort(new Error('The process is stopping.'));
    expect([one.signal.aborted, clock.pendingTimers]).toEqual([true, 0]);
    clock.advance(TIMEOUT_MS);
    expect(expired).toEqual([]);
    tries.delete(one);
    await idle;
  });
});

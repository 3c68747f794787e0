import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../time/fake-clock.js';
import { AnnouncementGuard } from './announcement-guard.js';

describe('AnnouncementGuard', () => {
  let clock: FakeClock;
  let suspicions: number;
  let guard: AnnouncementGuard;
  beforeEach(() => {
    clock = new FakeClock();
    suspicions = 0;
    guard = new AnnouncementGuard(clock, () => suspicions++);
  });

  /** Connections one after the other; answers on which of them something was announced, and lost. */
  const lose = (count: number) =>
    Array.from({ length: count }, () => {
      guard.connected();
      const { admits } = guard;
      if (admits) guard.settled('lost');
      return admits;
    });

  it('holds back after three connections lost in a row, but for every tenth', () => {
    expect(lose(10)).toEqual([true, true, true, ...Array<boolean>(6).fill(false), true]);
    expect(suspicions).toBe(1);
  });

  it('counts several announcements that are lost with one connection once', () => {
    guard.connected();
    for (const outcome of ['lost', 'lost', 'lost'] as const) guard.settled(outcome);
    expect(guard.admits).toBe(true);
  });

  it('does not suspect the broker of hanging up on what was never sent', () => {
    for (let connection = 1; connection <= 5; connection++) {
      guard.connected();
      guard.settled('not_sent');
    }
    expect([guard.admits, suspicions]).toEqual([true, 0]);
  });

  it('tries again on a connection that lasts: after 15 s, then twice that with each loss, up to ten minutes', () => {
    lose(4);
    const waits = Array.from({ length: 8 }, () => {
      const beganMs = clock.monotonicMs();
      while (!guard.admits) clock.advance(1000);
      const waitedMs = clock.monotonicMs() - beganMs;
      guard.settled('lost');
      // Every tenth connection tries anyway; those between are of no interest here.
      do guard.connected();
      while (guard.admits);
      return waitedMs / 1000;
    });
    expect(waits).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
  });

  it.each(['acknowledged', 'refused'] as const)('trusts the broker again after one that was %s', (outcome) => {
    lose(10);
    guard.connected();
    guard.settled(outcome);
    expect(guard.admits).toBe(true);
  });
});

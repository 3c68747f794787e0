import { describe, expect, it } from 'vitest';
import { queuedMessage } from '../../../test/helpers/messages.js';
import { FakeClock } from '../time/fake-clock.js';
import { RefusalPauses } from './refusal-pauses.js';

function paused() {
  const clock = new FakeClock();
  let due = 0;
  const pauses = new RefusalPauses(
    clock,
    () => due++,
    () => true,
    () => 0.5,
  );
  return { clock, pauses, due: () => due };
}

const QUOTA_EXCEEDED = 0x97;
const UNSPECIFIED = 0x80;
const first = queuedMessage({ position: 1 });
const second = queuedMessage({ position: 2 });

describe('RefusalPauses', () => {
  it('pauses the entity type of the refused message and no other', () => {
    const { pauses } = paused();
    pauses.refused(first, QUOTA_EXCEEDED);
    expect(pauses.admits('work_orders')).toBe(false);
    expect(pauses.admits('alerts')).toBe(true);
  });

  it('allows one try when the delay is over, and goes on once that message is through', () => {
    const { pauses, clock, due } = paused();
    pauses.refused(first, QUOTA_EXCEEDED);
    clock.advance(60_000);
    expect(due()).toBe(1);
    expect(pauses.admits('work_orders')).toBe(true);
    pauses.sending(first);
    expect(pauses.admits('work_orders')).toBe(false);
    pauses.settled(first);
    expect(pauses.admits('work_orders')).toBe(true);
    pauses.sending(second);
    expect(pauses.admits('work_orders')).toBe(true);
  });

  it('does not go on because a later message, already on the way, got through', () => {
    const { pauses, clock } = paused();
    pauses.refused(first, QUOTA_EXCEEDED);
    clock.advance(60_000);
    pauses.sending(first);
    pauses.settled(second);
    expect(pauses.admits('work_orders')).toBe(false);
  });

  it('waits longer after each refusal', () => {
    const { pauses, clock, due } = paused();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      if (attempt > 0) pauses.sending(first);
      pauses.refused(first, QUOTA_EXCEEDED);
      const seen = due();
      let waitedMs = 0;
      while (due() === seen) {
        clock.advance(10);
        waitedMs += 10;
      }
      delays.push(waitedMs);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000]);
  });

  it('tries again on the next connection when the try was lost with the old one', () => {
    const { pauses, clock } = paused();
    pauses.refused(first, QUOTA_EXCEEDED);
    clock.advance(60_000);
    pauses.sending(first);
    pauses.disconnected();
    expect(pauses.admits('work_orders')).toBe(true);
  });

  it('tells which types it holds back, since when, and what the broker said last, until they go on', () => {
    const { pauses, clock } = paused();
    expect(pauses.view).toEqual([]);
    const sinceMs = clock.wallMs();
    pauses.refused(first, QUOTA_EXCEEDED);
    clock.advance(60_000);
    pauses.sending(first);
    pauses.refused(first, UNSPECIFIED);
    pauses.refused(queuedMessage({ position: 3, entity: 'alerts' }), QUOTA_EXCEEDED);
    expect(pauses.view).toEqual([
      { entity: 'work_orders', sinceMs, reasonCode: UNSPECIFIED },
      { entity: 'alerts', sinceMs: sinceMs + 60_000, reasonCode: QUOTA_EXCEEDED },
    ]);
    clock.advance(60_000);
    pauses.sending(first);
    pauses.settled(first);
    expect(pauses.view.map(({ entity }) => entity)).toEqual(['alerts']);
  });
});

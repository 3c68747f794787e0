import { describe, expect, it } from 'vitest';
import { silentLogger } from '../logger.js';
import { SyncEvents } from '../sync-events.js';
import { FakeClock } from '../time/fake-clock.js';
import { FlushWatch } from './flush-watch.js';

function watched() {
  const clock = new FakeClock();
  const events = new SyncEvents(silentLogger);
  const flushes: { messages: number; durationMs: number }[] = [];
  events.on('queue_flushed', (event) => flushes.push(event));
  return { clock, flushes, watch: new FlushWatch(clock, events, silentLogger) };
}

describe('FlushWatch', () => {
  it('counts a flush when all that the queue held at the connect has left', () => {
    const { watch, flushes, clock } = watched();
    watch.begin(2);
    watch.left(1);
    expect(flushes).toEqual([]);
    clock.advance(250);
    watch.left(2);
    expect(flushes).toEqual([{ messages: 2, durationMs: 250 }]);
    watch.left(3);
    expect(flushes).toHaveLength(1);
  });

  it('counts none when the queue was empty', () => {
    const { watch, flushes } = watched();
    watch.begin(0);
    watch.accepted(1);
    watch.left(1);
    expect(flushes).toEqual([]);
  });

  it('does not take messages accepted after the connect for part of the backlog', () => {
    const { watch, flushes } = watched();
    watch.begin(2);
    watch.accepted(3);
    watch.accepted(4);
    watch.left(3);
    watch.left(4);
    expect(flushes).toEqual([]);
    watch.left(1);
    watch.left(2);
    expect(flushes).toHaveLength(1);
  });

  it('counts none when the link is cut before the end', () => {
    const { watch, flushes } = watched();
    watch.begin(2);
    watch.left(1);
    watch.cut();
    watch.left(2);
    expect(flushes).toEqual([]);
  });
});

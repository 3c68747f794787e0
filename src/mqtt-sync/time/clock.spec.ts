import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.js';

const DAY_MS = 86_400_000;

describe('systemClock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('waits longer than a timer of Node can', () => {
    const callback = vi.fn();
    systemClock.after(60 * DAY_MS, callback);
    vi.advanceTimersByTime(60 * DAY_MS - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('can be cancelled at any time, also after the first part of a long wait', () => {
    const callback = vi.fn();
    const cancel = systemClock.after(60 * DAY_MS, callback);
    vi.advanceTimersByTime(30 * DAY_MS);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps the process alive for what it is told to wait for, and for nothing else', () => {
    vi.useRealTimers();
    const held = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = held();
    const cancels = [systemClock.after(DAY_MS, () => {}), systemClock.after(60 * DAY_MS, () => {}, true)];
    expect(held()).toBe(before + 1);
    for (const cancel of cancels) cancel();
    expect(held()).toBe(before);
  });

  it('waits for ever when asked to', () => {
    const callback = vi.fn();
    systemClock.after(Infinity, callback);
    vi.advanceTimersByTime(1000 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
  });
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deadline, LONGEST_RUN_MS } from './endings.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('ends a run after an hour, and not before', async () => {
  const scenarios = new Promise<number>(() => {});
  const ended = vi.fn();
  void Promise.race([scenarios, deadline(LONGEST_RUN_MS)]).then(ended);
  await vi.advanceTimersByTimeAsync(59 * 60_000);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ended).toHaveBeenCalledWith('out of time');
});

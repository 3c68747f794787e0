import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

const POLL_MS = 50;

/** Waits until a condition holds. @throws {Error} naming what was waited for, when the deadline is over. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { deadlineMs, signal }: Patience,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs / 1000} s in vain for ${what}`);
    await pause(POLL_MS, signal);
  }
}

/** A pause that ends early, with its reason, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

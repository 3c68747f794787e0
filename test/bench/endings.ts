/** How a run came to its end; whatever it was, what was measured until then is reported. */
export type Ending = 'complete' | 'interrupted' | 'out of time';

/** A full run is meant to be through well before; something hangs, or the machine is far too busy. */
export const LONGEST_RUN_MS = 60 * 60_000;

/** Resolves at Ctrl-C. */
export function interruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
}

/** Resolves when the time is over; keeps no process alive. */
export function deadline(afterMs: number): Promise<'out of time'> {
  return new Promise((resolve) => void setTimeout(() => resolve('out of time'), afterMs).unref());
}

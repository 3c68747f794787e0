/** How a wait ends. */
export interface WaitOptions {
  /** Milliseconds after which the wait fails. @default 30000 */
  readonly deadlineMs?: number;
  /** What is waited for; appears in the error. A function is called when the wait fails, to tell the state then. */
  readonly what: string | (() => string);
}

const POLL_EVERY_MS = 5;

/** Costs nothing where all is well, and a busy machine may need it. */
const DEADLINE_MS = 30_000;

function describe(what: WaitOptions['what']): string {
  return typeof what === 'string' ? what : what();
}

/**
 * Waits until a condition holds and returns what it returned. Polls: a condition is looked at again every 5 ms.
 * @throws {Error} naming what was waited for, with the condition's own error as cause if it threw to the end.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  { deadlineMs = DEADLINE_MS, what }: WaitOptions,
): Promise<NonNullable<Value>> {
  const givesUpAt = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      cause = undefined;
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= givesUpAt) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
  }
  throw new Error(`Waited ${deadlineMs} ms for: ${describe(what)}`, { cause });
}

/**
 * Waits for a promise, but not for ever.
 * @throws {Error} naming what was waited for when the deadline passes first.
 */
export async function within<Value>(
  promise: Promise<Value>,
  { deadlineMs = DEADLINE_MS, what }: WaitOptions,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${deadlineMs} ms for: ${describe(what)}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

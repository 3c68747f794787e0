// Not the global one, which fake timers replace.
import { setImmediate as nextTurn } from 'node:timers';

/**
 * Calls the queue, which gathers what is asked for in one turn of the event loop: under fake timers, which are common in tests,
 * the next turn would never come, and nothing be accepted.
 */
export function inRealTurns<Result>(call: () => Result): Result {
  const current = globalThis.setImmediate;
  globalThis.setImmediate = nextTurn;
  try {
    return call();
  } finally {
    globalThis.setImmediate = current;
  }
}

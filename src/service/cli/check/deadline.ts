import type { CheckFailure } from './check-step.js';

/** Waits for what a step starts, but not for ever. */
export async function withDeadline<Value>(
  ms: number,
  failure: CheckFailure,
  start: (resolve: (value: Value) => void, reject: (error: Error) => void) => void,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Value>((resolve, reject) => {
      timer = setTimeout(() => reject(failure), ms);
      start(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

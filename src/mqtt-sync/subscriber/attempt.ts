import { isObservable, type Observable } from 'rxjs';
import { type CancelTimer, type Clock } from '../time/clock.js';
import { type Circumstances } from './circumstances.js';

/** Why a try failed. */
export interface AttemptFailure {
  readonly reason: 'handler_failed' | 'handler_timed_out';
  readonly error: unknown;
}

/**
 * Runs a handler and waits until what it returned is through: promises and observables too, and observables in promises.
 * @returns undefined when it succeeded in time. Never rejects.
 */
export async function attempt(
  run: () => unknown,
  circumstances: Circumstances,
  timeoutMs: number,
  clock: Clock,
): Promise<AttemptFailure | undefined> {
  let cancel: CancelTimer | undefined;
  try {
    const returned = run();
    if (!isPending(returned)) return undefined;
    const expiry = new Promise<AttemptFailure>((resolve) => {
      cancel = clock.after(timeoutMs, () => {
        const error = new Error(`The handler did not finish within ${timeoutMs} ms.`);
        circumstances.abort(error);
        resolve({ reason: 'handler_timed_out', error });
      });
    });
    return await Promise.race([finished(returned, circumstances), expiry]);
  } catch (error) {
    return { reason: 'handler_failed', error };
  } finally {
    cancel?.();
  }
}

type Pending = PromiseLike<unknown> | Observable<unknown>;

function isPending(returned: unknown): returned is Pending {
  return isObservable(returned) || typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function';
}

/**
 * Resolves when what a handler returned is through: a promise, an observable, or an observable in a promise.
 * @throws what it failed with.
 */
export async function finished(returned: unknown, circumstances: Circumstances): Promise<undefined> {
  const result = isObservable(returned) ? returned : await returned;
  if (isObservable(result)) await completed(result, circumstances);
  return undefined;
}

/** Subscribes, as long as somebody waits for it. */
function completed(stream: Observable<unknown>, circumstances: Circumstances): Promise<void> {
  return new Promise((resolve, reject) => {
    if (circumstances.signal.aborted) return resolve();
    const subscription = stream.subscribe({ complete: resolve, error: reject });
    circumstances.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  });
}

import { isObservable, type Observable } from 'rxjs';
import type { IncomingChange } from '../wire/incoming-change.js';
import type { Circumstances } from './circumstances.js';
import type { ChangeHandler } from './handler-registry.js';

/** Why a try failed. */
export interface AttemptFailure {
  readonly reason: 'handler_failed' | 'handler_timed_out';
  readonly error: unknown;
}

/**
 * Runs a handler and waits until what it returned is through: promises and observables too, and observables in promises.
 * @returns undefined when it succeeded before the try expired. Never rejects.
 */
export function attempt(
  handler: ChangeHandler,
  change: IncomingChange,
  circumstances: Circumstances,
): Promise<AttemptFailure | undefined> {
  return new Promise((resolve) => {
    const failed = (error: unknown): void => resolve({ reason: 'handler_failed', error });
    try {
      const returned = handler(change, circumstances);
      if (!isPending(returned)) return resolve(undefined);
      circumstances.onExpiry((error) => resolve({ reason: 'handler_timed_out', error }));
      finished(returned, circumstances).then(resolve, failed);
    } catch (error) {
      failed(error);
    }
  });
}

type Pending = PromiseLike<unknown> | Observable<unknown>;

function isPending(returned: unknown): returned is Pending {
  return isObservable(returned) || typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function';
}

/**
 * Resolves when what a handler returned is through: a promise, an observable, or an observable in a promise.
 * @throws what it failed with.
 */
export function finished(returned: unknown, circumstances: Circumstances): Promise<undefined> {
  return Promise.resolve(returned).then((result) =>
    isObservable(result) ? completed(result, circumstances) : undefined,
  );
}

/** Subscribes, as long as somebody waits for it. */
function completed(stream: Observable<unknown>, circumstances: Circumstances): Promise<undefined> {
  return new Promise((resolve, reject) => {
    if (circumstances.signal.aborted) return resolve(undefined);
    const subscription = stream.subscribe({ complete: () => resolve(undefined), error: reject });
    circumstances.signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
  });
}

import type { Clock } from '../../../src/mqtt-sync/time/clock.js';
import type { ShoreApplication } from '../../helpers/shore-application.js';

/** In both forms of the suite: a link is given its time, but nobody learns anything from minutes without a request. */
const HURRY = 10;

/**
 * Lets a receiver give up an answer after 6 s, and ask again after 3 s, where it would wait for a minute and for half of one.
 * The product has no option for that, as nobody should ask so often over a metered link.
 */
export function hurryCatchUp({ automaticCatchUp, catchUp }: ShoreApplication): void {
  for (const part of [automaticCatchUp, catchUp] as const) {
    const parts = Reflect.get(part, 'parts') as { readonly clock: Clock };
    Reflect.set(part, 'parts', { ...parts, clock: hurried(parts.clock) });
  }
}

function hurried(clock: Clock): Clock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs() * HURRY,
    after: (delayMs, callback) => clock.after(delayMs / HURRY, callback),
  };
}

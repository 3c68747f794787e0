import dns, { type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** Takes what became of a look-up. */
export type LookupAnswer = Parameters<LookupFunction>[2];

const askSystem: LookupFunction = (host, options, answer) => dns.lookup(host, options, answer);

/**
 * Looks up host names, each once at a time: whoever asks while an answer is awaited gets that one. A look-up cannot be
 * cancelled, and with a resolver that cannot be reached it takes longer than an attempt to connect. One for each attempt
 * would queue up for as long as the outage lasts, and all of the process wait in that queue, those of the application too:
 * libuv gives look-ups half of its four threads.
 */
export class NameLookup {
  private readonly awaited = new Map<string, Set<LookupAnswer>>();

  constructor(private readonly ask: LookupFunction = askSystem) {}

  /** Looks a host up; once `signal` has come the answer goes nowhere. */
  lookUp(host: string, options: LookupOptions, signal: AbortSignal, answer: LookupAnswer): void {
    const question = JSON.stringify([host, options]);
    const waiting = this.awaited.get(question);
    const waitingFor = waiting ?? new Set();
    waitingFor.add(answer);
    signal.addEventListener('abort', () => waitingFor.delete(answer), { once: true });
    if (waiting) return;
    this.awaited.set(question, waitingFor);
    this.ask(host, options, (...answered) => {
      this.awaited.delete(question);
      for (const tell of waitingFor) tell(...answered);
    });
  }
}

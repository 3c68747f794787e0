// Loaded into the service before anything else, for the screenshots alone: a quarter of an hour passes in 45 seconds.
// Clocks and timers run faster by the same factor, so the service notices nothing but a slow network.
const FACTOR = 20;
const BEGINS_AT = Date.parse('2026-11-25T03:47:00Z');

const realNow = Date.now.bind(Date);
const began = realNow();
Date.now = () => BEGINS_AT + (realNow() - began) * FACTOR;

const realMonotonic = performance.now.bind(performance);
performance.now = () => realMonotonic() * FACTOR;

const realTimeout = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay = 0, ...rest) => realTimeout(callback, delay / FACTOR, ...rest);

/** The live events of the service, connected again and again until the page is closed; a page that nobody sees does without. */
import { Refusal, read } from './api.js';

/** Two heartbeats and some. */
const SILENCE_MS = 35_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;

const LOST = 'The connection to the service was lost.';
const UNREACHABLE = 'The service cannot be reached.';

/**
 * @typedef {object} Listener
 * @property {(data: any) => void} snapshot
 * @property {(data: any) => void} change
 * @property {() => void} alive
 * @property {(why: string) => void} lost in a sentence
 * @property {() => void} paused nobody sees the page; a snapshot comes when somebody does
 */

/** @param {string} url @param {Listener} listener */
export function listen(url, listener) {
  /** @type {EventSource | undefined} */
  let source;
  let delay = FIRST_DELAY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let next;

  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => lose('The service has not been heard for a while.'), SILENCE_MS);
    delay = FIRST_DELAY_MS;
    listener.alive();
  };

  const close = () => {
    clearTimeout(silence);
    clearTimeout(next);
    source?.close();
    source = undefined;
  };

  /** @param {string} why */
  const lose = (why) => {
    close();
    listener.lost(why);
    next = setTimeout(open, delay);
    delay = Math.min(delay * 1.6, LONGEST_DELAY_MS);
  };

  /** @param {EventSource} mine @param {boolean} wasHeard */
  const fail = async (mine, wasHeard) => {
    // It tries again by itself, unless the service has answered with something else than events.
    const answered = mine.readyState === EventSource.CLOSED;
    const why = wasHeard ? LOST : answered ? await refusalOf(url) : UNREACHABLE;
    if (mine === source) lose(why);
  };

  const open = () => {
    close();
    const mine = (source = new EventSource(url));
    let wasHeard = false;
    // A link that swallows the attempt must not hold it for minutes.
    silence = setTimeout(() => lose('The service does not answer.'), SILENCE_MS);
    /** @param {string} type @param {(data: any) => void} tell */
    const on = (type, tell) =>
      mine.addEventListener(type, (event) => {
        if (mine !== source) return;
        const data = JSON.parse(event.data);
        wasHeard = true;
        heard();
        tell(data);
      });
    on('snapshot', listener.snapshot);
    on('change', listener.change);
    on('heartbeat', () => {});
    on('closing', () => lose('The service is stopping.'));
    mine.onerror = () => void (mine === source && fail(mine, wasHeard));
  };

  const look = () => {
    if (!document.hidden) return source ?? open();
    close();
    listener.paused();
  };

  look();
  window.addEventListener('online', look);
  document.addEventListener('visibilitychange', look);
}

/** Why the service refuses the events, which an EventSource does not tell. @param {string} url */
async function refusalOf(url) {
  const asked = new AbortController();
  const limit = setTimeout(() => asked.abort(), SILENCE_MS);
  try {
    await read(await fetch(url, { cache: 'no-store', credentials: 'omit', signal: asked.signal }));
    // By now it would give them.
    return LOST;
  } catch (error) {
    return error instanceof Refusal ? error.message : UNREACHABLE;
  } finally {
    clearTimeout(limit);
    asked.abort();
  }
}

/** The live events of the service, connected again and again until the page is closed. */

/** Two heartbeats and some. */
const SILENCE_MS = 35_000;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;

/**
 * @typedef {object} Listener
 * @property {(data: any) => void} snapshot
 * @property {(data: any) => void} change
 * @property {() => void} alive
 * @property {(why: string) => void} lost
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
    silence = setTimeout(() => lose('nothing was heard for a while'), SILENCE_MS);
    delay = FIRST_DELAY_MS;
    listener.alive();
  };

  /** @param {string} why */
  const lose = (why) => {
    clearTimeout(silence);
    clearTimeout(next);
    source?.close();
    source = undefined;
    listener.lost(why);
    next = setTimeout(open, delay);
    delay = Math.min(delay * 1.6, LONGEST_DELAY_MS);
  };

  const open = () => {
    clearTimeout(next);
    source?.close();
    const mine = (source = new EventSource(url));
    // A link that swallows the attempt must not hold it for minutes.
    silence = setTimeout(() => lose('the service does not answer'), SILENCE_MS);
    /** @param {string} type @param {(data: any) => void} tell */
    const on = (type, tell) =>
      mine.addEventListener(type, (event) => {
        if (mine !== source) return;
        const data = JSON.parse(event.data);
        heard();
        tell(data);
      });
    on('snapshot', listener.snapshot);
    on('change', listener.change);
    on('heartbeat', () => {});
    on('closing', () => lose('the service is stopping'));
    mine.onerror = () => mine === source && lose('the connection to the service was lost');
  };

  open();
  window.addEventListener('online', () => source ?? open());
  document.addEventListener('visibilitychange', () => document.hidden || source || open());
}

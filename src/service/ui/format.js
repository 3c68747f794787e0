/** Numbers, times and sizes in words. All times are milliseconds. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });

/** @param {number} value */
export const number = (value) => (Math.abs(value) < 10 ? fine : whole).format(value);

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : many}`;

/** In powers of 1,000, as in the runbook and on the command line. @param {number} bytes */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  // What would be rounded to 1,000 is 1 of the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${number(value)} ${units[unit]}`;
}

/** @param {string} text */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The two largest units, e.g. `3 h 12 min`. @param {number} ms */
export function duration(ms) {
  const left = Math.max(0, ms);
  if (left < SECOND) return 'under 1 s';
  if (left < MINUTE) return `${Math.floor(left / SECOND)} s`;
  if (left < HOUR) return pair(left, MINUTE, 'min', SECOND, 's', 10);
  if (left < DAY) return pair(left, HOUR, 'h', MINUTE, 'min', 24);
  return pair(left, DAY, 'd', HOUR, 'h', 14);
}

/** @param {number} ms @param {number} large @param {string} largeName @param {number} small @param {string} smallName @param {number} most */
function pair(ms, large, largeName, small, smallName, most) {
  const first = Math.floor(ms / large);
  const second = Math.floor((ms % large) / small);
  return second === 0 || first >= most ? `${first} ${largeName}` : `${first} ${largeName} ${second} ${smallName}`;
}

/** The time of day, with the day where it is another one. @param {number} at @param {number} now */
export function time(at, now) {
  const text = clock.format(at);
  return day.format(at) === day.format(now) ? text : `${day.format(at)}, ${text}`;
}

/** @param {number} at */
export const preciseTime = (at) => clockWithSeconds.format(at);

/** A label of the time axis. @param {number} at @param {number} span */
export const axisTime = (at, span) => (span > 2 * DAY ? day.format(at) : clock.format(at));

/** What somebody else wrote, made harmless to read: no control characters, no marks that turn the reading direction. */
export const foreign = (/** @type {unknown} */ text) =>
  String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

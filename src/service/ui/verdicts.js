/** What the numbers mean, in a word and a sentence. */
import { counted, duration, number, time } from './format.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */
/** @typedef {{ level: 'good' | 'warn' | 'bad' | 'quiet', word: string, text: string }} Verdict */

/** What was lost so shortly ago goes on being lost, until somebody acts. */
const RECENT_LOSS_MS = 10 * 60_000;
/** For so long a loss is something to look at, also after a restart. */
const REMEMBERED_LOSS_MS = 24 * 3_600_000;
/** Nobody worries about a start or a short break. */
export const PROMPT_MS = 10_000;

const WHEN_FULL = {
  'drop-oldest': 'the oldest waiting change is dropped for each new one',
  'drop-lowest-priority': 'the oldest change of the lowest lane is dropped for each new one',
  reject: 'new changes are refused',
};

/** What a full queue does. @param {View} view */
export const whenFull = ({ limits }) =>
  WHEN_FULL[/** @type {keyof typeof WHEN_FULL} */ (limits.overflowPolicy)] ?? limits.overflowPolicy;

/** @param {View} view */
export const isOff = ({ health }) => health.reasons.includes('local_mode_off');

/** Why nobody knows what is in the queue: it was not opened. Undefined when it was. @param {View} view */
export function whyUnknown(view) {
  if (isOff(view)) return 'not in use: sync is off';
  return view.queue.open ? undefined : 'unknown: the queue is not open';
}

/** @type {Verdict} */
const UNKNOWN = { level: 'quiet', word: 'Unknown', text: 'The queue is not open.' };

/** Whether changes were lost for want of room just now. @param {View} view @param {number} now */
const isLosing = ({ flow: { lastLossAt } }, now) =>
  lastLossAt !== undefined && now - Date.parse(lastLossAt) < RECENT_LOSS_MS;

/** @param {View} view @param {number} now @returns {Verdict} */
export function safe(view, now) {
  const { health, queue } = view;
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'Sync is turned off: nothing is stored or sent.' };
  if (!health.accepting) {
    return {
      level: 'bad',
      word: 'Not accepting',
      text: `New changes are refused: ${health.unavailableReason ?? 'see the log'}.`,
    };
  }
  const full = `${number(queue.utilizationPercent)} % full`;
  if (queue.utilizationPercent > 80 || health.reasons.includes('queue_above_80_percent')) {
    if (queue.utilizationPercent > 99 || isLosing(view, now))
      return { level: 'bad', word: 'Full', text: `${full}: ${whenFull(view)}.` };
    return { level: 'warn', word: 'Filling up', text: `${full}. At the limit ${whenFull(view)}.` };
  }
  if (!queue.durable) return { level: 'warn', word: 'In memory only', text: `A restart loses what waits. ${full}.` };
  const waiting =
    queue.messages === 0 ? 'Accepted changes go to disk first' : `${counted(queue.messages, 'waiting change')} on disk`;
  return { level: 'good', word: 'Safe', text: `${waiting}. ${full}.` };
}

/** @param {View} view @param {number} now @returns {Verdict} */
export function late(view, now) {
  const { queue, limits, flow, health } = view;
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'Nothing is stored that could wait.' };
  if (!queue.open) return UNKNOWN;
  if (queue.oldestAcceptedAt === undefined) {
    const took = flow.lastDelivery
      ? `The last change took ${duration(flow.lastDelivery.latencyMs)}.`
      : 'Nothing waits.';
    return { level: 'good', word: 'Up to date', text: took };
  }
  const accepted = Date.parse(queue.oldestAcceptedAt);
  const age = Math.max(0, now - accepted);
  const text = `The oldest waiting change was accepted at ${time(accepted, now)}.`;
  const isTooOld = age > limits.healthMaxAgeS * 1000 || health.reasons.includes('oldest_message_too_old');
  if (age < PROMPT_MS && !isTooOld) return { level: 'good', word: 'On time', text };
  return { level: isTooOld ? 'warn' : 'quiet', word: `${duration(age)} late`, text };
}

/** @param {View} view @param {number} now @returns {Verdict} */
export function lost(view, now) {
  const { counts, gaps, flow, queue } = view;
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'Nothing is stored that could be lost.' };
  if (!queue.open) return UNKNOWN;
  const { too_many: tooMany, by_hand: byHand } = counts.deadLettersDiscarded;
  const gone = counts.dropped + counts.missing + tooMany + byHand;
  const told = gaps.untold === 0 ? 'The other side knows' : `${number(gaps.untold)} not told to the other side yet`;
  if (isLosing(view, now)) {
    const last = ago(now - Date.parse(flow.lastLossAt ?? ''));
    return {
      level: 'bad',
      word: 'Losing changes',
      text: `${counted(gone, 'change')} since the start, the last ${last}. ${told}.`,
    };
  }
  if (queue.storesAside > 0) {
    const text = 'A damaged store was set aside: what waited in it is not delivered. The runbook says what to do.';
    return { level: 'bad', word: 'Store lost', text };
  }
  if (counts.missing > 0) {
    const text = `${counted(counts.missing, 'change')} not found in the store. ${told}. The runbook says what to do.`;
    return { level: 'bad', word: 'Store damaged', text };
  }
  if (gone > 0)
    return { level: 'warn', word: `${number(gone)} lost`, text: `Since the start, dropped or given up. ${told}.` };
  if (gaps.untold > 0)
    return {
      level: 'warn',
      word: 'Not told yet',
      text: `Of what was lost, ${number(gaps.untold)} are not told to the other side yet.`,
    };
  return lostBefore(view, now);
}

/** What a restart must not make anybody forget. @param {View} view @param {number} now @returns {Verdict} */
function lostBefore({ lostBefore: { count, lastAt } }, now) {
  if (lastAt === undefined || count === 0) return { level: 'good', word: 'Nothing', text: 'Nothing was lost.' };
  const at = Date.parse(lastAt);
  const text = `Before the last start, the last one at ${time(at, now)}. The other side knows.`;
  const word = `${number(count)} lost`;
  return { level: now - at < REMEMBERED_LOSS_MS ? 'warn' : 'quiet', word, text };
}

/** @param {Verdict} verdict */
export const isCalm = ({ level }) => level === 'good' || level === 'quiet';

/** @param {Verdict} verdict */
export const isBad = ({ level }) => level === 'bad';

/**
 * What is to be looked at, in words: what the cards tell, or else why health is degraded.
 * @param {View} view @param {Verdict[]} verdicts
 */
export function troubles(view, verdicts) {
  const words = verdicts.filter((verdict) => !isCalm(verdict)).map(({ word }) => word);
  if (words.length > 0 || isOff(view)) return words;
  return view.health.reasons.map((reason) => reason.replaceAll('_', ' '));
}

/** @param {View} view */
const lossCause = ({ queue }) =>
  queue.utilizationPercent > 80 ? 'the queue is full' : 'there was no room, in the queue or for dead letters';

/** The whole in a sentence. @param {View} view @param {number} now @param {Verdict[]} verdicts */
export function headline(view, now, verdicts) {
  const { connection, health, queue } = view;
  if (isOff(view)) return 'Sync is turned off.';
  if (!health.accepting) return 'Changes cannot be accepted. Somebody has to act.';
  if (isLosing(view, now)) return `Changes are being lost: ${lossCause(view)}. Somebody has to act.`;
  const waiting =
    queue.messages === 0
      ? 'Nothing waits'
      : `${counted(queue.messages, 'change')} ${queue.messages === 1 ? 'waits' : 'wait'}`;
  if (!connection.connected) {
    const since = now - Date.parse(connection.since);
    const safety = queue.durable && queue.messages > 0 ? ', safe on disk' : '';
    return since < PROMPT_MS
      ? `Connecting. ${waiting}${safety}.`
      : `No connection for ${duration(since)}. ${waiting}${safety}.`;
  }
  const words = troubles(view, verdicts);
  if (words.length > 0) return `Running, but look at: ${words.join(', ').toLowerCase()}.`;
  return queue.deadLetters === 0
    ? 'All is well.'
    : `Running, with ${counted(queue.deadLetters, 'dead letter')} to look at.`;
}

/** @param {number} ms */
export const ago = (ms) => (ms < 1000 ? 'just now' : `${duration(ms)} ago`);

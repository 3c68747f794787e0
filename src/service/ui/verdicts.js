/** What the numbers mean, in a word and a sentence. */
import { counted, duration, foreign, number, time } from './format.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */
/** @typedef {{ level: 'good' | 'warn' | 'bad' | 'quiet', word: string, text: string }} Verdict */

/** A message that has waited so long although there is a connection is stuck. */
const STUCK_MS = 30_000;
/** What was lost so shortly ago goes on being lost, until somebody acts. */
const RECENT_LOSS_MS = 10 * 60_000;
/** Nobody worries about a start or a short break. */
const PROMPT_MS = 10_000;

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
  if (queue.utilizationPercent > 80) {
    if (queue.utilizationPercent > 99 || isLosing(view, now))
      return { level: 'bad', word: 'Full', text: `${full}: ${whenFull(view)}.` };
    return { level: 'warn', word: 'Filling up', text: `${full}. At the limit ${whenFull(view)}.` };
  }
  if (!queue.durable) return { level: 'warn', word: 'In memory only', text: `A restart loses what waits. ${full}.` };
  const waiting =
    queue.messages === 0 ? 'Accepted changes go to disk first' : `${counted(queue.messages, 'waiting change')} on disk`;
  return { level: 'good', word: 'Safe', text: `${waiting}. ${full}.` };
}

/** How many entity types are named in a sentence. */
const NAMED = 3;

/** What is held back, if anything is. @param {View} view @param {number} now */
function heldBack({ paused: { count, types } }, now) {
  const [first] = types;
  if (!first) return [];
  const names = types.slice(0, NAMED).map(({ entity }) => foreign(entity));
  const more = count > names.length ? ` and ${number(count - names.length)} more` : '';
  return [`${names.join(', ')}${more} held back since ${time(Date.parse(first.since), now)}: ${first.reason}.`];
}

/** @param {View} view @param {number} now @param {number} perMinute @returns {Verdict} */
export function moving(view, now, perMinute) {
  const sending = sendingOf(view, now, perMinute);
  const [held] = view.connection.connected ? heldBack(view, now) : [];
  if (held === undefined) return sending;
  const word = isCalm(sending) ? 'Held back' : `${sending.word}, held back`;
  return { level: 'warn', word, text: `${held} ${sending.text}` };
}

/** @param {View} view @param {number} now @param {number} perMinute @returns {Verdict} */
function sendingOf(view, now, perMinute) {
  const { connection, queue, flow } = view;
  const since = Date.parse(connection.since);
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'There is no connection, on purpose.' };
  if (!connection.connected) {
    if (now - since < PROMPT_MS) return { level: 'warn', word: 'Connecting', text: 'The connection is being made.' };
    return {
      level: 'warn',
      word: 'No connection',
      text: `Since ${time(since, now)}, ${duration(now - since)}. It keeps trying.`,
    };
  }
  const last = flow.lastDelivery;
  const lastAt = last ? Date.parse(last.at) : undefined;
  const delivered = lastAt === undefined ? 'Nothing delivered yet.' : `Last delivery ${ago(now - lastAt)}.`;
  if (queue.messages === 0) return { level: 'good', word: 'Connected', text: `Nothing is left to send. ${delivered}` };
  const began = Math.max(lastAt ?? 0, since, Date.parse(queue.oldestAcceptedAt ?? connection.since));
  if (now - began > STUCK_MS) {
    return {
      level: 'warn',
      word: 'Stuck',
      text: `Connected, but nothing was acknowledged for ${duration(now - began)}.`,
    };
  }
  return {
    level: 'good',
    word: 'Moving',
    text: `${number(perMinute)} delivered a minute, ${number(queue.inFlight)} in flight.`,
  };
}

/** @param {View} view @param {number} now @returns {Verdict} */
export function late(view, now) {
  const { queue, limits, flow } = view;
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'Nothing waits.' };
  if (queue.oldestAcceptedAt === undefined) {
    const took = flow.lastDelivery
      ? `The last change took ${duration(flow.lastDelivery.latencyMs)}.`
      : 'Nothing waits.';
    return { level: 'good', word: 'Up to date', text: took };
  }
  const accepted = Date.parse(queue.oldestAcceptedAt);
  const age = Math.max(0, now - accepted);
  const text = `The oldest waiting change was accepted at ${time(accepted, now)}.`;
  if (age < PROMPT_MS) return { level: 'good', word: 'On time', text };
  const level = age > limits.healthMaxAgeS * 1000 ? 'warn' : 'quiet';
  return { level, word: `${duration(age)} late`, text };
}

/** @param {View} view @param {number} now @returns {Verdict} */
export function lost(view, now) {
  const { counts, gaps, flow, queue } = view;
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'Nothing is stored that could be lost.' };
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
  return { level: 'good', word: 'Nothing', text: 'Nothing was lost since the start, and earlier losses are told.' };
}

/** @param {Verdict} verdict */
export const isCalm = ({ level }) => level === 'good' || level === 'quiet';

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
  if (verdicts.every(isCalm)) {
    return queue.deadLetters === 0
      ? 'All is well.'
      : `Running, with ${counted(queue.deadLetters, 'dead letter')} to look at.`;
  }
  return `Running, but look at: ${verdicts
    .filter((verdict) => !isCalm(verdict))
    .map(({ word }) => word.toLowerCase())
    .join(', ')}.`;
}

/** @param {number} ms */
export const ago = (ms) => (ms < 1000 ? 'just now' : `${duration(ms)} ago`);

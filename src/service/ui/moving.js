/** Whether it moves, and what does not. */
import { duration, foreign, number, time } from './format.js';
import { ago, isBad, isCalm, isOff, PROMPT_MS } from './verdicts.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */
/** @typedef {import('./verdicts.js').Verdict} Verdict */

/** A message that has waited so long although there is a connection is stuck. */
const STUCK_MS = 30_000;

/** How many entity types are named in a sentence. */
const NAMED = 3;

/** What is held back, if anything is. @param {View} view @param {number} now @returns {Verdict[]} */
function heldBack({ paused: { count, types } }, now) {
  const [first] = types;
  if (!first) return [];
  const names = types.slice(0, NAMED).map(({ entity }) => foreign(entity));
  const more = count > names.length ? ` and ${number(count - names.length)} more` : '';
  const since = time(Date.parse(first.since), now);
  return [
    { level: 'warn', word: 'Held back', text: `${names.join(', ')}${more} held back since ${since}: ${first.reason}.` },
  ];
}

/** What the receiving side cannot do, by the reason of health, the worst first. @type {[string, Verdict][]} */
const RECEIVING = [
  [
    'inbox_unavailable',
    {
      level: 'bad',
      word: 'Nothing is recorded',
      text: 'Incoming changes cannot be recorded, so the broker keeps them: see the log.',
    },
  ],
  [
    'receiver_not_connected',
    { level: 'warn', word: 'Nothing comes in', text: 'The connection that receives changes is down.' },
  ],
  [
    'subscription_refused',
    { level: 'warn', word: 'Subscription refused', text: 'The broker refuses a subscription to changes.' },
  ],
];

/** What does not move, although there is a connection. @param {View} view @param {number} now */
function standing(view, now) {
  /** @type {readonly string[]} */
  const reasons = view.health.reasons;
  const receiving = RECEIVING.flatMap(([reason, verdict]) => (reasons.includes(reason) ? [verdict] : []));
  // Without one, only what has another cause.
  return view.connection.connected ? [...heldBack(view, now), ...receiving] : receiving.filter(isBad);
}

/** @param {View} view @param {number} now @param {number} perMinute @returns {Verdict} */
export function moving(view, now, perMinute) {
  const sending = sendingOf(view, now, perMinute);
  const stands = standing(view, now);
  if (stands.length === 0) return sending;
  const words = [...(isCalm(sending) ? [] : [sending]), ...stands].map(({ word }) => word);
  return {
    level: stands.some(isBad) ? 'bad' : 'warn',
    word: [words[0], ...words.slice(1).map((word) => word.toLowerCase())].join(', '),
    text: [...stands, sending].map(({ text }) => text).join(' '),
  };
}

/** @param {View} view @param {number} now @param {number} perMinute @returns {Verdict} */
function sendingOf(view, now, perMinute) {
  const { connection, queue, flow } = view;
  const since = Date.parse(connection.since);
  if (isOff(view)) return { level: 'quiet', word: 'Off', text: 'There is no connection, on purpose.' };
  if (!queue.open) return { level: 'warn', word: 'Waits for the queue', text: 'It connects once the queue is open.' };
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

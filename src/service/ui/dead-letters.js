/** The dead letters: the list, a look at the payload, retry and discard. */
import { call, forgetToken, hasToken, Refusal } from './api.js';
import { byId, make, say } from './dom.js';
import { counted, foreign, number, sentence, size, time } from './format.js';
import { whyUnknown } from './verdicts.js';

/** @typedef {import('../dead-letters/dead-letter-view.js').DeadLetterView} Letter */

const PAGE = 50;
/** The service gives no more at once. */
const MOST_AT_ONCE = 200;
/** A longer payload is cut: nobody reads it here, and it would make the page slow. */
const SHOWN_CHARACTERS = 20_000;

/** @type {Readonly<Record<Letter['reason'], string>>} */
const REASONS = {
  refused: 'The broker refused it',
  too_large_for_broker: 'It is larger than the broker takes',
  broker_hangs_up: 'The broker hangs up on it',
  cannot_be_encoded: 'It has no MQTT encoding',
  corrupt: 'Its record on disk is damaged',
};

let isShown = false;
let known = '';
/** How many pages of the list are open. */
let pages = 1;
/** @type {number | undefined} */
let nextPage;

/** @param {import('../operator/operator-view.js').OperatorView} view */
function saidOf(view) {
  const unknown = whyUnknown(view);
  if (unknown !== undefined) return `${sentence(unknown)}.`;
  const { queue, limits } = view;
  if (queue.deadLetters === 0) return 'None: the broker takes everything.';
  const [them, they] = queue.deadLetters === 1 ? ['it', 'it is'] : ['them', 'they are'];
  return `${counted(queue.deadLetters, 'message')} set aside, because the broker will never take ${them} as ${they}. The ${number(limits.maxDeadLetters)} newest are kept.`;
}

/** How many there are; a list that is open follows. @param {import('../operator/operator-view.js').OperatorView} view */
export function showCount(view) {
  const { queue, counts } = view;
  say(byId('letters-said'), saidOf(view));
  byId('show-letters').hidden = queue.deadLetters === 0 && !isShown;
  const state = `${queue.deadLetters} ${counts.deadLettered}`;
  if (isShown && known !== '' && known !== state) void follow();
  known = state;
}

/** @param {unknown} error */
const wordsOf = (error) => (error instanceof Refusal ? foreign(error.message) : String(error));

/** Reads an open list again; the result of what was done just now stays where it is. */
async function follow() {
  try {
    await refresh();
  } catch (error) {
    say(byId('letters-result'), `The list is old: ${wordsOf(error)}`);
  }
}

export function startLetters() {
  byId('show-letters').onclick = () => void report(refresh);
  byId('more-letters').onclick = () => void report(more);
  byId('forget-token').onclick = () => {
    forgetToken();
    isShown = false;
    pages = 1;
    clear();
    say(byId('letters-result'), 'The token is forgotten.');
    byId('letters-title').focus();
  };
}

/** @param {() => Promise<void>} work */
async function report(work) {
  say(byId('letters-result'), '');
  try {
    await work();
  } catch (error) {
    say(byId('letters-result'), wordsOf(error));
  }
  byId('forget-token').hidden = !hasToken();
}

function clear() {
  byId('letters').replaceChildren();
  byId('more-letters').hidden = true;
  byId('forget-token').hidden = !hasToken();
  say(byId('show-letters'), 'Show the list');
}

/** Of the list as it is now, as many pages as are open; one that is opened meanwhile is read, too. */
async function readOpen() {
  /** @type {Letter[]} */
  const deadLetters = [];
  /** @type {number | undefined} */
  let next;
  do {
    const limit = Math.min(pages * PAGE - deadLetters.length, MOST_AT_ONCE);
    const list = await call(`dead-letters?limit=${limit}${next === undefined ? '' : `&after=${next}`}`);
    deadLetters.push(...list.deadLetters);
    next = list.next;
  } while (next !== undefined && deadLetters.length < pages * PAGE);
  return { deadLetters, next };
}

async function refresh() {
  const list = await readOpen();
  isShown = true;
  say(byId('show-letters'), 'Read again');
  // What stays keeps its element, and with it the focus and an open payload.
  const old = new Map([...byId('letters').children].map((item) => [item.id, item]));
  const items = list.deadLetters.map((letter) => old.get(itemId(letter)) ?? letterItem(letter));
  const holdsFocus = byId('letters').contains(document.activeElement);
  const list_ = byId('letters');
  for (const item of old.values()) if (!items.includes(item)) item.remove();
  items.forEach((item, at) => {
    if (list_.children[at] !== item) list_.insertBefore(item, list_.children[at] ?? null);
  });
  if (holdsFocus && !list_.contains(document.activeElement)) byId('letters-title').focus();
  setNext(list.next);
}

async function more() {
  const list = await call(`dead-letters?limit=${PAGE}&after=${nextPage}`);
  // The list may have been read anew meanwhile, and then has some of them.
  const added = list.deadLetters.filter((/** @type {Letter} */ letter) => !document.getElementById(itemId(letter)));
  const items = added.map(letterItem);
  byId('letters').append(...items);
  items[0]?.querySelector('button')?.focus();
  pages++;
  setNext(list.next);
}

/** @param {number | undefined} next */
function setNext(next) {
  nextPage = next;
  byId('more-letters').hidden = next === undefined;
}

/** @param {Letter} letter */
const itemId = ({ position }) => `letter-${position}`;

/** @param {Letter} letter */
const nameOf = ({ entity, operation, key, sequence }) =>
  foreign([entity, operation, key ?? `sequence ${sequence}`].filter(Boolean).join(' '));

/** @param {Letter} letter */
function why({ reason, reasonText }) {
  const words = REASONS[reason] ?? foreign(reason);
  return reasonText === undefined ? `${words}.` : `${words}: ${reasonText}.`;
}

/** @param {Letter} letter */
function letterItem(letter) {
  const now = Date.now();
  const { position, sequence, attempts, deadAt, topic, bytes, retryable } = letter;
  const facts = [
    `Set aside ${time(Date.parse(deadAt), now)}`,
    `after ${counted(attempts, 'attempt')}`,
    ...(bytes === undefined ? [] : [size(bytes)]),
    `sequence ${sequence}`,
    ...(topic === undefined ? [] : [foreign(topic)]),
  ];
  const payload = make('pre', { id: `payload-${position}`, hidden: '', tabindex: '0', 'aria-label': 'Payload' });
  const name = nameOf(letter);
  const look = button('Look', name, { 'aria-expanded': 'false', 'aria-controls': payload.id });
  look.onclick = () => void report(() => toggle(position, look, payload));
  const retry = button('Retry', name, {});
  retry.onclick = () => void report(() => act(letter, 'retry'));
  retry.disabled = !retryable;
  const discard = button('Discard', name, { class: 'danger' });
  discard.onclick = () => void report(() => act(letter, 'discard'));
  return make('li', { id: itemId(letter) }, [
    make('h3', { class: 'mono' }, [name]),
    make('p', {}, [why(letter)]),
    make('p', { class: 'soft' }, [facts.join(' · ')]),
    make('p', { class: 'actions' }, [look, retry, discard]),
    payload,
  ]);
}

/** @param {string} word @param {string} name @param {Readonly<Record<string, string>>} attributes */
function button(word, name, attributes) {
  return make('button', { type: 'button', ...attributes }, [word, make('span', { class: 'unseen' }, [` ${name}`])]);
}

/** @param {number} position @param {HTMLElement} look @param {HTMLElement} payload */
async function toggle(position, look, payload) {
  if (payload.hidden) {
    const letter = await call(`dead-letters/${position}`);
    const text =
      letter.payload === undefined
        ? 'The record is damaged: there is nothing to show.'
        : JSON.stringify(letter.payload, null, 2);
    const cut = text.length > SHOWN_CHARACTERS ? `\n… cut; ${text.length - SHOWN_CHARACTERS} more characters` : '';
    say(payload, foreign(text.slice(0, SHOWN_CHARACTERS)) + cut);
  }
  payload.hidden = !payload.hidden;
  look.setAttribute('aria-expanded', String(!payload.hidden));
}

const ACTIONS = {
  retry: {
    title: 'Send it again?',
    text: 'It goes back into the queue with its id and its sequence, behind what waits there: its order among the changes of its key is not kept.',
    yes: 'Send it again',
    done: 'is back in the queue.',
  },
  discard: {
    title: 'Discard it for good?',
    text: 'It will never be delivered, and cannot be brought back. The other side is told of a gap.',
    yes: 'Discard it',
    done: 'is discarded.',
  },
};

/** @param {Letter} letter @param {keyof typeof ACTIONS} action */
async function act(letter, action) {
  const { title, text, yes, done } = ACTIONS[action];
  const name = nameOf(letter);
  if (!(await confirmed(title, text, yes, name, action === 'discard'))) return;
  const path = `dead-letters/${letter.position}`;
  try {
    await (action === 'retry' ? call(`${path}/retry`, 'POST') : call(path, 'DELETE'));
    remove(letter);
    say(byId('letters-result'), `${name} ${done}`);
  } catch (error) {
    // Somebody else was faster.
    if (error instanceof Refusal && error.status === 404) remove(letter);
    throw error;
  }
}

/** The focus goes to the next one, or to the title. @param {Letter} letter */
function remove(letter) {
  const item = document.getElementById(itemId(letter));
  const next = item?.nextElementSibling ?? item?.previousElementSibling;
  item?.remove();
  (next?.querySelector('button') ?? byId('letters-title')).focus();
}

/** @param {string} title @param {string} text @param {string} yes @param {string} which @param {boolean} isDanger @returns {Promise<boolean>} */
function confirmed(title, text, yes, which, isDanger) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('confirm'));
  say(byId('confirm-title'), title);
  say(byId('confirm-text'), text);
  say(byId('confirm-which'), which);
  say(byId('confirm-yes'), yes);
  byId('confirm-yes').classList.toggle('danger', isDanger);
  dialog.returnValue = 'no';
  return new Promise((resolve) => {
    // The event comes a task after the closing: one that finds the dialog open again is of the question before,
    // which nobody answered with yes.
    dialog.onclose = () => {
      if (!dialog.open) resolve(dialog.returnValue === 'yes');
    };
    dialog.showModal();
  });
}

/** The operator page: listens, keeps what it was told, shows it. */
import { hasToken } from './api.js';
import { showCount, startLetters } from './dead-letters.js';
import { showConnection, showLanes, showLost, showSubscriptions } from './details.js';
import { byId, icon, make, say } from './dom.js';
import { Flow } from './flow.js';
import { foreign, preciseTime } from './format.js';
import { listOutages, showHistory } from './history.js';
import { listen } from './stream.js';
import { moving } from './moving.js';
import { headline, isOff, late, lost, safe, troubles } from './verdicts.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */

/** @type {View | undefined} */
let view;
/** @type {Flow[]} */
let flows = [];
/** The clock of the service minus this one's. */
let offset = 0;
/** When the stream was lost, by this clock. @type {number | undefined} */
let staleSince;
let staleWhy = '';
/** Nobody sees the page, and it hears nothing. */
let isPaused = false;
let lastHeard = Date.now();
let announced = '';

const QUESTIONS = { safe: 'Is it safe?', moving: 'Is it moving?', late: 'How late is it?', lost: 'What was lost?' };

for (const [id, question] of Object.entries(QUESTIONS)) {
  byId(id).append(icon('quiet'), make('h3', {}, [question]), make('strong'), make('p'));
}

/** @param {keyof typeof QUESTIONS} id @param {import('./verdicts.js').Verdict} verdict */
function showVerdict(id, { level, word, text }) {
  const [picture, , strong, p] = byId(id).children;
  if (byId(id).dataset['level'] !== level) picture?.querySelector('use')?.setAttribute('href', `#${level}`);
  byId(id).dataset['level'] = level;
  if (strong) say(strong, word);
  if (p) say(p, text);
}

/** What depends on the time is shown once a second; while nothing is heard the time stands still, as the numbers do. */
function show() {
  if (!view || isPaused) return;
  const now = (staleSince === undefined ? Date.now() : lastHeard) + offset;
  const perMinute = flows[0]?.deliveredPerMinute(now) ?? 0;
  const cards = {
    safe: safe(view, now),
    moving: moving(view, now, perMinute),
    late: late(view, now),
    lost: lost(view, now),
  };
  for (const id of /** @type {(keyof typeof cards)[]} */ (Object.keys(cards))) showVerdict(id, cards[id]);
  const verdicts = Object.values(cards);
  const whole = headline(view, now, verdicts);
  say(byId('headline'), whole);
  const words = troubles(view, verdicts);
  const isCalm = words.length === 0 && (view.queue.deadLetters === 0 || isOff(view));
  announce(words.length === 0 ? [withoutNumbers(whole)] : words.map(withoutNumbers));
  document.title = `${isCalm ? '' : '⚠ '}${view.service.vesselId} · MQTT Sync`;
  showLanes(view, now);
  showConnection(view, now);
  showHistory(view, flows, now);
  showStale();
}

/** Only what changed in kind is read out, not every number. @param {string} text */
const withoutNumbers = (text) => text.replace(/\d.*?(?=late|lost|dead letter)/, '').replace(/\.$/, '');

/** @param {string[]} words */
function announce(words) {
  const text = `${words.join(', ')}.`;
  if (text === announced) return;
  announced = text;
  say(byId('announcement'), text);
}

function showStale() {
  const banner = byId('stale');
  banner.hidden = staleSince === undefined;
  document.body.classList.toggle('is-stale', staleSince !== undefined);
  if (staleSince !== undefined) {
    // The seconds tick where nobody is read to.
    const text = `Stale since ${preciseTime(lastHeard)}. ${staleWhy} What you see is old. The page keeps trying.`;
    say(banner, text);
  }
}

/** What does not depend on the time. */
function showChanged() {
  if (!view) return;
  showCount(view);
  showLost(view);
  showSubscriptions(view);
  listOutages(view, Date.now() + offset);
  show();
}

/** @param {string} timestamp */
function setClock(timestamp) {
  offset = Date.parse(timestamp) - Date.now();
}

listen('api/mqtt/reliable-sync/events', {
  snapshot(data) {
    setClock(data.timestamp);
    view = data.view;
    flows = data.flow.map((/** @type {import('./flow.js').Columns} */ columns) => new Flow(columns));
    showChanged();
  },
  change(data) {
    if (!view) return;
    setClock(data.timestamp);
    view = { ...view, ...data.view };
    data.view.flow?.newest.forEach((/** @type {import('./flow.js').Bucket} */ bucket, /** @type {number} */ at) =>
      flows[at]?.update(bucket),
    );
    showChanged();
  },
  alive() {
    isPaused = false;
    staleSince = undefined;
    lastHeard = Date.now();
    showStale();
  },
  lost(why) {
    isPaused = false;
    staleSince ??= Date.now();
    staleWhy = foreign(why);
    if (view) showStale();
    else say(byId('headline'), `${staleWhy} Trying again…`);
  },
  paused() {
    isPaused = true;
    // It is all that is seen of the page now, and must not say that all is well.
    document.title = `⏸ ${document.title.replace(/^[⚠⏸] /, '')}`;
  },
});

startLetters();
say(byId('zone'), `Times are those of this device: ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`);
byId('forget-token').hidden = !hasToken();
setInterval(show, 1000);
for (const radio of document.querySelectorAll('[name=range]')) radio.addEventListener('change', show);
new ResizeObserver(show).observe(byId('plot-connection'));

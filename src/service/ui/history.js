/** The section with the pictures: connection, waiting, throughput, on one axis of time. */
import { byId, make, say } from './dom.js';
import { counted, duration, foreign, number, sentence, time } from './format.js';
import { drawConnection, drawFlow, drawWaiting } from './plots.js';
import { whyUnknown } from './verdicts.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */
/** @typedef {import('../operator/operator-view.js').OutageView} Outage */
/** @typedef {import('./flow.js').Flow} Flow */

const UNITS = [
  { name: 'a minute', ms: 60_000 },
  { name: 'a minute', ms: 60_000 },
  { name: 'an hour', ms: 3_600_000 },
];

/** As many rows are enough to look at. */
const LISTED = 50;

export const chosenRange = () =>
  Number(/** @type {HTMLInputElement} */ (document.querySelector('[name=range]:checked')).value);

/** @param {View} view @param {Flow[]} flows @param {number} now */
export function showHistory(view, flows, now) {
  const range = chosenRange();
  const flow = flows[range];
  const unit = UNITS[range];
  if (!flow || !unit) return;
  const [from, to] = [now - flow.spanMs, now];
  const spans = flow.spans(now).filter((span) => span.to > from);
  const bars = view.outages.list.map((outage) => ({
    kind: outage.kind === 'not_running' ? 'off' : 'down',
    from: Date.parse(outage.from),
    to: outage.to === undefined ? now : Date.parse(outage.to),
  }));
  const frame = (/** @type {string} */ name, /** @type {string} */ said) => {
    say(byId(`said-${name}`), said);
    return { host: byId(`plot-${name}`), said, from, to, bars };
  };
  drawConnection({
    ...frame('connection', saidOfConnection(view, from, now)),
    knownSince: Date.parse(view.outages.knownSince),
  });
  drawWaiting({ ...frame('waiting', saidOfWaiting(view, spans)), spans });
  say(byId('rate-unit'), unit.name);
  drawFlow({ ...frame('flow', saidOfFlow(spans)), spans, stepMs: flow.stepMs, unitMs: unit.ms });
}

/** @param {View} view @param {number} from @param {number} now */
function saidOfConnection({ outages, connection }, from, now) {
  const known = Math.max(from, Date.parse(outages.knownSince));
  const seen = outages.list
    .filter(({ kind }) => kind === 'disconnected')
    .map((outage) => ({ ...outage, start: Date.parse(outage.from), end: outage.to ? Date.parse(outage.to) : now }))
    .filter(({ end }) => end > known);
  const open = seen.find(({ to }) => to === undefined);
  if (!connection.connected && open) {
    const others = seen.length - 1;
    const more = others > 0 ? ` ${counted(others, 'other outage')} in this time.` : '';
    return `No connection since ${time(open.start, now)}, ${duration(now - open.start)}: ${foreign(open.reason)}.${more}`;
  }
  if (seen.length === 0) return 'No outage in this time.';
  const count = seen.reduce((sum, outage) => sum + outage.count, 0);
  const lengths = seen.map(({ start, end }) => end - Math.max(start, known));
  const longest = Math.max(...lengths);
  const start = /** @type {{start: number}} */ (seen[lengths.indexOf(longest)]).start;
  const sum = lengths.reduce((total, length) => total + length, 0);
  if (count === 1) return `One outage: ${duration(longest)}, from ${time(start, now)}.`;
  return `${counted(count, 'outage')}, ${duration(sum)} in all; the longest ${duration(longest)}, from ${time(start, now)}.`;
}

/** @param {View} view @param {import('./flow.js').Span[]} spans */
function saidOfWaiting(view, spans) {
  const unknown = whyUnknown(view);
  if (unknown !== undefined) return `${sentence(unknown)}.`;
  const { queue } = view;
  const most = Math.max(queue.messages, ...spans.map(({ waiting }) => waiting));
  return most === 0
    ? 'Nothing waited in this time.'
    : `${number(queue.messages)} now, at most ${number(most)} in this time.`;
}

/** @param {import('./flow.js').Span[]} spans */
function saidOfFlow(spans) {
  const sum = (/** @type {'accepted' | 'delivered'} */ name) => spans.reduce((total, span) => total + span[name], 0);
  return `${number(sum('delivered'))} delivered and ${number(sum('accepted'))} accepted in this time.`;
}

/** The newest first. @param {View} view @param {number} now */
export function listOutages({ outages }, now) {
  const rows = outages.list
    .slice(-LISTED)
    .reverse()
    .map((outage) => outageRow(outage, now));
  const none = make('tr', {}, [
    make('td', { colspan: '3' }, [`None since ${time(Date.parse(outages.knownSince), now)}.`]),
  ]);
  byId('outages').replaceChildren(...(rows.length > 0 ? rows : [none]));
}

/** @param {Outage} outage @param {number} now */
function outageRow({ kind, from, to, reason, count }, now) {
  const length = to === undefined ? 'still going on' : duration(Date.parse(to) - Date.parse(from));
  const why =
    kind === 'not_running'
      ? 'The service did not run.'
      : `${foreign(reason)}${count > 1 ? ` (${counted(count, 'outage')})` : ''}`;
  return make('tr', {}, [
    make('td', {}, [time(Date.parse(from), now)]),
    make('td', {}, [length]),
    make('td', { class: 'wrap' }, [why]),
  ]);
}

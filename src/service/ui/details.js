/** Lanes, limits, connection, subscriptions and gaps, in numbers. */
import { byId, define, make, say } from './dom.js';
import { counted, duration, foreign, number, sentence, size, time } from './format.js';
import { isOff, whenFull, whyUnknown } from './verdicts.js';

/** @typedef {import('../operator/operator-view.js').OperatorView} View */

const GAP_REASONS = {
  dropped: 'dropped for want of room',
  discarded: 'a dead letter that was given up',
  corrupt: 'damaged on disk',
  pruned: 'no longer kept',
};

/** @param {View} view @param {number} now */
export function showLanes(view, now) {
  const { queue, limits } = view;
  const body = byId('lanes');
  const lanes = Object.entries(queue.lanes);
  const isKnown = whyUnknown(view) === undefined;
  if (body.childElementCount === 0) {
    body.append(
      ...lanes.map(([lane]) =>
        make('tr', { id: `lane-${lane}` }, [
          make('th', { scope: 'row' }, [lane]),
          ...[1, 2, 3].map(() => make('td', { class: 'number' })),
        ]),
      ),
    );
  }
  for (const [lane, { messages, bytes, oldestAcceptedAt }] of lanes) {
    const age = oldestAcceptedAt === undefined ? '–' : duration(now - Date.parse(oldestAcceptedAt));
    const cells = byId(`lane-${lane}`).children;
    const texts = isKnown ? [number(messages), age, size(bytes)] : ['–', '–', '–'];
    texts.forEach((text, at) => say(/** @type {Element} */ (cells[at + 1]), text));
  }
  showFill(view);
  define('limits', [
    ['When full', sentence(whenFull(view))],
    ['In flight', `${number(queue.inFlight)}, at most ${number(limits.maxInFlight)}`],
    ['Largest message', size(limits.maxMessageBytes)],
    ['Late means', `older than ${duration(limits.healthMaxAgeS * 1000)}`],
    ['Store', storeOf(view)],
  ]);
}

/** @param {View} view */
function storeOf(view) {
  if (isOff(view)) return 'not in use: sync is off';
  const where = view.queue.durable ? 'on disk' : 'in memory, lost with a restart';
  return view.queue.open ? where : `${where}, not open`;
}

/** How full the queue is, as bars. @param {View} view */
function showFill(view) {
  const { queue, limits } = view;
  const bars = [
    ['Messages', queue.messages, limits.maxMessages, number(queue.messages), number(limits.maxMessages)],
    ['Bytes', queue.bytes, limits.maxBytes, size(queue.bytes), size(limits.maxBytes)],
  ];
  const isKnown = whyUnknown(view) === undefined;
  const host = byId('fill');
  if (host.childElementCount === 0) {
    host.append(
      ...bars.map(([name]) =>
        make('div', { class: 'fill' }, [
          make('span', {}, [String(name)]),
          make('span', { class: 'number' }),
          make('meter', {
            min: '0',
            high: '80',
            optimum: '0',
            max: '100',
            'aria-label': `${name}, share of the limit`,
          }),
        ]),
      ),
    );
  }
  bars.forEach(([, value, most, filled, limit], at) => {
    const row = /** @type {Element} */ (host.children[at]);
    const percent = (Number(value) / Number(most)) * 100;
    const meter = /** @type {HTMLMeterElement} */ (row.children[2]);
    say(
      /** @type {Element} */ (row.children[1]),
      isKnown ? `${filled} of ${limit}, ${number(percent)} %` : `– of ${limit}`,
    );
    meter.hidden = !isKnown;
    meter.value = percent;
  });
}

const STATES = {
  idle: 'not started',
  connecting: 'connecting',
  connected: 'connected',
  waiting: 'waiting for the next attempt',
  stopped: 'stopped',
};

/** @param {View} view */
function stateOf(view) {
  if (isOff(view)) return 'turned off';
  return view.queue.open ? STATES[view.connection.state] : 'waits for the queue';
}

/** @param {View} view */
function attemptsOf({ connection, counts }) {
  const all = `${number(counts.reconnectionAttempts)} since the start`;
  return connection.connected ? all : `${number(connection.reconnectAttempts)} in this outage, ${all}`;
}

/** @param {View} view @param {number} now */
export function showConnection(view, now) {
  const { connection, service } = view;
  const since = Date.parse(connection.since);
  define('connection', [
    ['State', stateOf(view)],
    ['Since', `${time(since, now)}, ${duration(now - since)}`],
    ['Broker', foreign(connection.broker)],
    ['Encrypted', connection.tlsEnabled ? 'yes, TLS' : 'no'],
    ['MQTT', connection.protocol ?? '–'],
    ['Attempts', attemptsOf(view)],
    ['Last failure', connection.lastFailure === undefined ? '–' : foreign(connection.lastFailure)],
  ]);
  say(byId('vessel'), foreign(service.vesselId));
  say(byId('broker'), `to ${foreign(connection.broker)}`);
  const started = Date.parse(service.startedAt);
  const epoch = service.epoch === undefined ? '' : `, epoch ${service.epoch}`;
  say(
    byId('service'),
    `Version ${service.version}${epoch}. Started ${time(started, now)}, ${duration(now - started)} ago.`,
  );
}

const SUBSCRIPTION_STATES = {
  granted: 'granted by the broker',
  refused: 'refused by the broker: nobody can ask there',
  not_asked: 'not asked for yet',
};

/** @param {View} view */
export function showSubscriptions({ connection, subscriptions: { requests, incoming, incomingRefused }, topics }) {
  // Without a connection nobody knows what the broker still has of it.
  const when = connection.connected ? '' : ' at the last connection';
  const granted = incoming + requests.filter(({ state }) => state === 'granted').length;
  const active =
    granted === 0 ? 'No subscription is active.' : `${counted(granted, 'subscription')} granted by the broker${when}.`;
  say(byId('subscriptions'), active);
  const asked = requests.map(({ filter, state }) => [
    filter,
    `requests for changes again, ${SUBSCRIPTION_STATES[state]}${state === 'granted' ? when : ''}`,
  ]);
  const refused = incomingRefused.map((filter) => [filter, 'incoming changes, refused by the broker']);
  const rows = [...asked, ...refused].map(([filter, says]) =>
    make('li', {}, [make('span', { class: 'mono' }, [foreign(String(filter))]), `: ${says}`]),
  );
  byId('requests').replaceChildren(...rows);
  byId('topics').replaceChildren(...topics.published.map((topic) => make('li', {}, [foreign(topic)])));
}

/** @param {View} view */
export function showLost(view) {
  const { counts, gaps, lostBefore } = view;
  const { too_many: tooMany, by_hand: byHand } = counts.deadLettersDiscarded;
  const losses = [
    counts.dropped > 0 && `${counted(counts.dropped, 'change')} dropped`,
    counts.missing > 0 && `${counted(counts.missing, 'change')} not found in a damaged store`,
    tooMany > 0 && `${counted(tooMany, 'dead letter')} beyond those that are kept`,
    byHand > 0 && `${counted(byHand, 'dead letter')} given up by an operator`,
  ].filter(Boolean);
  const gone = losses.length === 0 ? 'Nothing was lost since the start.' : `Since the start: ${losses.join(', ')}.`;
  const unknown = whyUnknown(view);
  const start = unknown === undefined ? 'it' : 'the start';
  const earlier = lostBefore.count === 0 ? '' : ` ${counted(lostBefore.count, 'change')} lost before ${start}.`;
  const untold =
    gaps.untold === 0
      ? 'The other side knows of every gap.'
      : `${counted(gaps.untold, 'sequence number')} lost that the other side does not know of yet:`;
  say(byId('losses'), unknown === undefined ? `${gone}${earlier} ${untold}` : `${sentence(unknown)}.${earlier}`);
  const ranges = gaps.ranges.map(({ entity, from, to, reason }) => {
    const which = from === to ? `sequence ${from}` : `sequences ${from} to ${to}`;
    return make('li', {}, [
      make('span', { class: 'mono' }, [foreign(entity)]),
      `, ${which}: ${GAP_REASONS[reason] ?? reason}`,
    ]);
  });
  const shown = gaps.ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  if (shown < gaps.untold) ranges.push(make('li', {}, [`and ${number(gaps.untold - shown)} more`]));
  byId('gaps').replaceChildren(...ranges);
}

import type { QueueDocument } from '../../operator/queue-document.js';
import { formatCount, formatNumber } from '../format.js';
import type { QueueSummary } from '../target/queue-target.js';
import { describeDeadLetters, describeGaps, describeWaiting, type Fact, isStopped } from './queue-facts.js';

/** What `status` says below its headline. */
export function statusFacts(summary: QueueSummary): Fact[] {
  const queue: Fact[] = [
    ['queue', describeWaiting(summary)],
    ['dead letters', describeDeadLetters(summary)],
    ['gaps', describeGaps(summary)],
    ...storesAside(summary),
  ];
  if (isStopped(summary)) return [...queue, ['epoch', String(summary.service.epoch)]];
  const { health, service } = summary;
  return [
    ...reasonsOf(health),
    ['connection', connectionOf(summary)],
    ...queue,
    ...refused(summary),
    ...heldBack(summary),
    ...missing(summary),
    ['since start', countsOf(summary)],
    ...lostBefore(summary),
    ['service', `version ${service.version}, since ${service.startedAt}, epoch ${service.epoch ?? 'unknown'}`],
  ];
}

function storesAside({ queue: { storesAside: count } }: QueueSummary): Fact[] {
  if (count === 0) return [];
  return [['damaged stores', `${formatNumber(count)}, not delivered (see docs/operations.md, ArusSyncStoreSetAside)`]];
}

function missing({ counts: { missing: count } }: QueueDocument): Fact[] {
  if (count === 0) return [];
  return [
    [
      'missing',
      `${formatCount(count, 'message')} not found in a damaged store (see docs/operations.md, ArusSyncStoreMessagesMissing)`,
    ],
  ];
}

function lostBefore({ lostBefore: { count, lastAt, knownSince } }: QueueDocument): Fact[] {
  if (count === 0 || lastAt === undefined) return [];
  return [['before', `${formatCount(count, 'change')} lost since ${knownSince}, the last one at ${lastAt}`]];
}

function heldBack({ paused: { count, types } }: QueueDocument): Fact[] {
  if (count === 0) return [];
  const named = types.map(({ entity, since, reason }) => `${entity} since ${since}: ${reason}`);
  const more = count > types.length ? [`and ${count - types.length} more`] : [];
  return [['held back', `${[...named, ...more].join('; ')} (see docs/operations.md, ArusSyncHeldBack)`]];
}

function refused({ subscriptions: { requests, incomingRefused } }: QueueDocument): Fact[] {
  const filters = [
    ...incomingRefused.map((filter) => `${filter} (incoming changes)`),
    ...requests.flatMap(({ filter, state }) => (state === 'refused' ? [`${filter} (requests for changes again)`] : [])),
  ];
  return filters.length === 0 ? [] : [['refused', filters.join(', ')]];
}

function reasonsOf({ reasons, accepting, unavailableReason }: QueueDocument['health']): Fact[] {
  const facts: Fact[] = [];
  if (!accepting) facts.push(['refuses', unavailableReason ?? 'changes']);
  if (reasons.length > 0) facts.push(['reasons', `${reasons.join(', ')} (see docs/operations.md)`]);
  return facts;
}

function connectionOf(document: QueueDocument): string {
  const { connected, broker, since, protocol, tlsEnabled, state } = document.connection;
  const to = `${broker}${tlsEnabled ? ' with TLS' : ''}`;
  if (connected) return `connected to ${to} since ${since}${protocol === undefined ? '' : `, MQTT ${protocol}`}`;
  const why = whyNotConnected(document);
  return `${state}, not connected to ${to} since ${since}${why === undefined ? '' : `: ${why}`}`;
}

function whyNotConnected({ connection, health, queue }: QueueDocument): string | undefined {
  if (health.reasons.includes('local_mode_off')) return 'sync is off';
  return queue.open ? connection.lastFailure : 'it waits for the queue';
}

function countsOf({ counts }: QueueDocument): string {
  const { delivered, dropped, deadLettered, deadLettersDiscarded, possibleDuplicates } = counts;
  const givenUp = deadLettersDiscarded.too_many + deadLettersDiscarded.by_hand;
  return [
    `${formatNumber(delivered)} delivered (${formatNumber(possibleDuplicates)} perhaps twice)`,
    `${formatNumber(dropped)} dropped`,
    formatCount(deadLettered, 'dead letter'),
    ...(givenUp > 0 ? [`${formatCount(givenUp, 'dead letter')} given up`] : []),
  ].join(', ');
}

import { describe, expect, it } from 'vitest';
import { DEGRADED_REASONS, type DegradedReason } from '../../src/mqtt-sync/sync-status.js';
import type { OperatorView } from '../../src/service/operator/operator-view.js';

interface Verdict {
  readonly level: string;
  readonly word: string;
  readonly text: string;
}

interface Page {
  safe(view: OperatorView, now: number): Verdict;
  moving(view: OperatorView, now: number, perMinute: number): Verdict;
  late(view: OperatorView, now: number): Verdict;
  lost(view: OperatorView, now: number): Verdict;
  troubles(view: OperatorView, verdicts: readonly Verdict[]): readonly string[];
  headline(view: OperatorView, now: number, verdicts: readonly Verdict[]): string;
}

/** A module of the browser. */
const moduleOf = (name: string) =>
  import(new URL(`../../src/service/ui/${name}.js`, import.meta.url).href) as Promise<Partial<Page>>;

/** What the operator page makes of a view. */
const page = { ...(await moduleOf('verdicts')), ...(await moduleOf('moving')) } as Page;

const NOW = Date.parse('2026-03-01T04:00:00Z');
const ago = (ms: number) => new Date(NOW - ms).toISOString();
const MINUTE = 60_000;

type Changed = { [Section in keyof OperatorView]?: Partial<OperatorView[Section]> };

/** A view of a service that is well, but for some of it. */
function viewOf(changed: Changed = {}): OperatorView {
  const well = {
    health: { status: 'healthy', reasons: [], accepting: true },
    connection: { state: 'connected', connected: true, since: ago(60 * MINUTE) },
    queue: {
      open: true,
      messages: 0,
      inFlight: 0,
      utilizationPercent: 0,
      deadLetters: 0,
      storesAside: 0,
      durable: true,
    },
    limits: { healthMaxAgeS: 300, overflowPolicy: 'drop-oldest' },
    counts: { dropped: 0, missing: 0, deadLettersDiscarded: { too_many: 0, by_hand: 0 } },
    lostBefore: { count: 0, knownSince: ago(60 * MINUTE) },
    gaps: { untold: 0, ranges: [] },
    paused: { count: 0, types: [] },
    flow: { newest: [] },
  };
  const sections = Object.entries(well).map(([name, section]) => [
    name,
    { ...section, ...changed[name as keyof OperatorView] },
  ]);
  return Object.fromEntries(sections) as OperatorView;
}

function cardsOf(view: OperatorView) {
  return {
    safe: page.safe(view, NOW),
    moving: page.moving(view, NOW, 12),
    late: page.late(view, NOW),
    lost: page.lost(view, NOW),
  };
}

function verdictsOf(view: OperatorView): Record<'safe' | 'moving' | 'late' | 'lost', string> & { headline: string } {
  const verdicts = cardsOf(view);
  const told = Object.entries(verdicts).map(([name, { level, word }]) => [name, `${level}: ${word}`]);
  const headline = page.headline(view, NOW, Object.values(verdicts));
  return { ...(Object.fromEntries(told) as Record<keyof typeof verdicts, string>), headline };
}

/** What is seen of each reason beside its name. */
const SEEN: Readonly<Record<DegradedReason, Changed>> = {
  local_mode_off: { connection: { state: 'idle', connected: false } },
  not_connected: { connection: { state: 'waiting', connected: false } },
  // Shown as 80, which is not above 80.
  queue_above_80_percent: { queue: { utilizationPercent: 80, messages: 3, oldestAcceptedAt: ago(1000) } },
  // By a limit below what nobody worries about, and by a clock that is a moment ahead.
  oldest_message_too_old: {
    queue: { messages: 1, oldestAcceptedAt: ago(3000) },
    limits: { healthMaxAgeS: 3 },
    connection: { since: ago(3000) },
  },
  queue_unavailable: { health: { accepting: false, unavailableReason: 'the disk is full' } },
  receiver_not_connected: {},
  subscription_refused: {},
  inbox_unavailable: {},
};

const degradedBy = (reason: DegradedReason, more: Changed = {}) =>
  viewOf({
    ...more,
    ...SEEN[reason],
    health: { status: 'degraded', reasons: [reason], ...SEEN[reason].health },
  });

const disconnected = (ms: number) => ({ state: 'waiting', connected: false, since: ago(ms) }) as const;

describe('what the operator page says', () => {
  it('is that all is well, when it is', () => {
    expect(verdictsOf(viewOf())).toEqual({
      ...{ safe: 'good: Safe', moving: 'good: Connected', late: 'good: Up to date', lost: 'good: Nothing' },
      headline: 'All is well.',
    });
  });

  it('is that changes are being lost, before anything else, while a full queue drops', () => {
    const view = viewOf({
      connection: disconnected(60 * MINUTE),
      queue: { messages: 99, utilizationPercent: 98.7, oldestAcceptedAt: ago(50 * MINUTE) },
      counts: { dropped: 3 },
      gaps: { untold: 3 },
      flow: { lastLossAt: ago(2000) },
    });
    expect(verdictsOf(view)).toEqual({
      ...{ safe: 'bad: Full', moving: 'warn: No connection', late: 'warn: 50 min late', lost: 'bad: Losing changes' },
      headline: 'Changes are being lost: the queue is full. Somebody has to act.',
    });
  });

  it('is that the queue is full where it refuses changes then', () => {
    const { level, word, text } = page.safe(
      viewOf({ queue: { utilizationPercent: 100 }, limits: { overflowPolicy: 'reject' } }),
      NOW,
    );
    expect([level, word, text]).toEqual(['bad', 'Full', '100 % full: new changes are refused.']);
  });

  it('is how many were lost, and whether the other side knows, when it is over', () => {
    const told = viewOf({ counts: { dropped: 1200 }, flow: { lastLossAt: ago(11 * MINUTE) } });
    expect(page.lost(told, NOW)).toEqual({
      ...{ level: 'warn', word: '1,200 lost' },
      text: 'Since the start, dropped or given up. The other side knows.',
    });
    const before = viewOf({ gaps: { untold: 7 } });
    expect(page.lost(before, NOW)).toEqual({
      ...{ level: 'warn', word: 'Not told yet' },
      text: 'Of what was lost, 7 are not told to the other side yet.',
    });
    expect(verdictsOf(before).headline).toBe('Running, but look at: not told yet.');
  });

  it('is what was lost before a restart, a warning for a day', () => {
    const lostAgo = (ms: number) => page.lost(viewOf({ lostBefore: { count: 1200, lastAt: ago(ms) } }), NOW);
    expect(lostAgo(5 * 60 * MINUTE)).toMatchObject({
      ...{ level: 'warn', word: '1,200 lost' },
      text: expect.stringMatching(/^Before the last start, the last one at .*\. The other side knows\.$/) as string,
    });
    expect(lostAgo(25 * 60 * MINUTE)).toMatchObject({ level: 'quiet', word: '1,200 lost' });
    expect(page.lost(viewOf({ counts: { dropped: 1 }, lostBefore: { count: 5, lastAt: ago(MINUTE) } }), NOW).word).toBe(
      '1 lost',
    );
  });

  it('counts dead letters that had to make room as losses', () => {
    const view = viewOf({
      counts: { deadLettersDiscarded: { too_many: 2, by_hand: 1 } },
      flow: { lastLossAt: ago(1000) },
      queue: { deadLetters: 1000 },
    });
    expect(page.lost(view, NOW).text).toMatch(/^3 changes since the start/);
    expect(verdictsOf(view).headline).toBe(
      'Changes are being lost: there was no room, in the queue or for dead letters. Somebody has to act.',
    );
  });

  it('is that nothing was lost, without earlier losses where there never were any', () => {
    expect(page.lost(viewOf(), NOW)).toEqual({ level: 'good', word: 'Nothing', text: 'Nothing was lost.' });
  });

  it('is that a store was lost, as long as it lies there', () => {
    expect(verdictsOf(viewOf({ queue: { storesAside: 1 } }))).toMatchObject({
      lost: 'bad: Store lost',
      headline: 'Running, but look at: store lost.',
    });
  });

  it('is that a damaged store has lost changes, and whether the other side knows', () => {
    const view = viewOf({ counts: { missing: 12 }, gaps: { untold: 12 } });
    expect(page.lost(view, NOW)).toEqual({
      ...{ level: 'bad', word: 'Store damaged' },
      text: '12 changes not found in the store. 12 not told to the other side yet. The runbook says what to do.',
    });
    expect(verdictsOf(view).headline).toBe('Running, but look at: store damaged.');
  });

  it('is that nothing can be accepted, and why', () => {
    const view = viewOf({ health: { accepting: false, unavailableReason: 'the disk is full' } });
    expect(page.safe(view, NOW).text).toBe('New changes are refused: the disk is full.');
    expect(verdictsOf(view).headline).toBe('Changes cannot be accepted. Somebody has to act.');
  });

  it('is that nothing is known of a queue that is not open, never that nothing waits and nothing was lost', () => {
    const view = viewOf({
      health: { accepting: false, reasons: ['queue_unavailable'], unavailableReason: 'the queue is not open' },
      connection: { ...disconnected(60 * MINUTE), state: 'idle' },
      queue: { open: false },
    });
    expect(verdictsOf(view)).toEqual({
      ...{
        safe: 'bad: Not accepting',
        moving: 'warn: Waits for the queue',
        late: 'quiet: Unknown',
        lost: 'quiet: Unknown',
      },
      headline: 'Changes cannot be accepted. Somebody has to act.',
    });
    const { moving, late, lost } = cardsOf(view);
    expect([moving.text, late.text, lost.text]).toEqual([
      'It connects once the queue is open.',
      'The queue is not open.',
      'The queue is not open.',
    ]);
  });

  it('is that it is off, on purpose', () => {
    const view = viewOf({ health: { reasons: ['local_mode_off'] }, connection: disconnected(MINUTE) });
    expect(verdictsOf(view)).toEqual({
      ...{ safe: 'quiet: Off', moving: 'quiet: Off', late: 'quiet: Off', lost: 'quiet: Off' },
      headline: 'Sync is turned off.',
    });
  });

  it('is that a short break is none, and a long one is', () => {
    const waits = { messages: 5, oldestAcceptedAt: ago(3000) };
    expect(verdictsOf(viewOf({ connection: disconnected(3000), queue: waits }))).toMatchObject({
      moving: 'warn: Connecting',
      headline: 'Connecting. 5 changes wait, safe on disk.',
    });
    expect(verdictsOf(viewOf({ connection: disconnected(3 * MINUTE), queue: waits }))).toMatchObject({
      moving: 'warn: No connection',
      headline: 'No connection for 3 min. 5 changes wait, safe on disk.',
    });
  });

  it('is that it is stuck when nothing is acknowledged over a connection', () => {
    const view = viewOf({ queue: { messages: 5, oldestAcceptedAt: ago(MINUTE) } });
    expect(verdictsOf(view)).toMatchObject({ moving: 'warn: Stuck', headline: 'Running, but look at: stuck.' });
  });

  it('is which entity types the broker holds back, since when and why, before anything else that moves', () => {
    const type = (entity: string) => ({ entity, since: ago(5 * MINUTE), reason: 'Quota exceeded (0x97)' });
    const one = viewOf({ paused: { count: 1, types: [type('work_orders')] } });
    expect(page.moving(one, NOW, 12)).toEqual({
      ...{ level: 'warn', word: 'Held back' },
      text: expect.stringMatching(
        /^work_orders held back since \d\d:55: Quota exceeded \(0x97\)\. Nothing is left to send\./,
      ) as string,
    });
    expect(verdictsOf(one).headline).toBe('Running, but look at: held back.');
    const many = viewOf({
      paused: { count: 7, types: [...'abcde'].map(type) },
      queue: { messages: 5, oldestAcceptedAt: ago(MINUTE) },
    });
    expect(verdictsOf(many)).toMatchObject({ moving: 'warn: Stuck, held back' });
    expect(page.moving(many, NOW, 12).text).toMatch(
      /^a, b, c and 4 more held back since \d\d:55: Quota exceeded \(0x97\)\. Connected, but nothing/,
    );
  });

  it('is that there is no connection, not that something is held back meanwhile', () => {
    const type = { entity: 'crew', since: ago(50 * MINUTE), reason: 'Quota exceeded (0x97)' };
    const view = viewOf({ connection: disconnected(30 * MINUTE), paused: { count: 1, types: [type] } });
    expect(page.moving(view, NOW, 0)).toEqual({
      ...{ level: 'warn', word: 'No connection' },
      text: expect.stringMatching(/^Since /) as string,
    });
  });

  it('is that a restart loses what waits where the queue is in memory', () => {
    const view = viewOf({ queue: { durable: false } });
    expect(verdictsOf(view)).toMatchObject({ safe: 'warn: In memory only' });
  });

  it('is that dead letters want to be looked at', () => {
    expect(verdictsOf(viewOf({ queue: { deadLetters: 2 } })).headline).toBe('Running, with 2 dead letters to look at.');
  });

  it.each(DEGRADED_REASONS)('is never that all is well while health is degraded by %s', (reason) => {
    const view = degradedBy(reason);
    const { headline } = verdictsOf(view);
    expect(headline).not.toBe('All is well.');
    // On purpose, it is no trouble.
    expect(page.troubles(view, Object.values(cardsOf(view))).length > 0).toBe(reason !== 'local_mode_off');
    // Nor does anything else that is to be looked at hide it.
    const lost = { counts: { dropped: 1 } };
    expect(verdictsOf(degradedBy(reason, lost)).headline).not.toBe(verdictsOf(viewOf(lost)).headline);
  });

  it('is never that all is well for a reason that no card tells', () => {
    const view = viewOf({ health: { status: 'degraded', reasons: ['not_connected'] } });
    expect(verdictsOf(view).headline).toBe('Running, but look at: not connected.');
  });

  it('is what the receiving side cannot do, the worst of it first', () => {
    const receiving = (...reasons: DegradedReason[]) => viewOf({ health: { status: 'degraded', reasons } });
    expect(verdictsOf(receiving('receiver_not_connected'))).toMatchObject({
      moving: 'warn: Nothing comes in',
      headline: 'Running, but look at: nothing comes in.',
    });
    const both = receiving('subscription_refused', 'inbox_unavailable');
    expect(verdictsOf(both)).toMatchObject({
      moving: 'bad: Nothing is recorded, subscription refused',
      headline: 'Running, but look at: nothing is recorded, subscription refused.',
    });
    expect(page.moving(both, NOW, 12).text).toMatch(
      /^Incoming changes cannot be recorded.* The broker refuses a subscription.* Nothing is left to send\./,
    );
  });

  it('is that there is no connection, not that its receiver has none either', () => {
    const view = viewOf({
      connection: disconnected(30 * MINUTE),
      health: { status: 'degraded', reasons: ['not_connected', 'receiver_not_connected'] },
    });
    expect(verdictsOf(view)).toMatchObject({
      moving: 'warn: No connection',
      headline: 'No connection for 30 min. Nothing waits.',
    });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

interface Listener {
  snapshot(data: unknown): void;
  change(data: unknown): void;
  alive(): void;
  lost(why: string): void;
  paused(): void;
}

/** A module of the browser. */
const { listen } = (await import(new URL('../../src/service/ui/stream.js', import.meta.url).href)) as {
  listen: (url: string, listener: Listener) => void;
};

/** An EventSource in the hands of the test. */
class Source extends EventTarget {
  static readonly CLOSED = 2;
  static made: Source[] = [];
  readyState = 0;
  onerror: (() => void) | undefined;

  constructor(readonly url: string) {
    super();
    Source.made.push(this);
  }

  close(): void {
    this.readyState = Source.CLOSED;
  }

  tell(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  /** `answered`: by something that is no stream of events, after which a browser does not try again. */
  fail({ answered }: { answered: boolean }): void {
    if (answered) this.close();
    this.onerror!();
  }
}

const FIRST_DELAY_MS = 1000;
let page = Object.assign(new EventTarget(), { hidden: false });
const told: unknown[] = [];
const newest = () => Source.made.at(-1)!;
const open = () => Source.made.filter(({ readyState }) => readyState !== Source.CLOSED).length;

function turn(hidden: boolean): void {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
}

function start(): void {
  listen('events', {
    snapshot: (data) => told.push({ snapshot: data }),
    change: (data) => told.push({ change: data }),
    alive: () => undefined,
    lost: (why) => told.push(why),
    paused: () => told.push('paused'),
  });
}

describe('the stream of the operator page', () => {
  let network: EventTarget;

  beforeEach(() => {
    vi.useFakeTimers();
    network = new EventTarget();
    page = Object.assign(new EventTarget(), { hidden: false });
    Source.made = [];
    told.length = 0;
    vi.stubGlobal('EventSource', Source);
    vi.stubGlobal('document', page);
    vi.stubGlobal('window', network);
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('says what the service answers when it refuses the events, not that it cannot be reached', async () => {
    const body = { status: 503, code: 'TOO_MANY_LISTENERS', detail: '20 clients listen to the events already.' };
    const headers = { 'content-type': 'application/problem+json' };
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(body), { status: 503, headers })));
    start();
    newest().fail({ answered: true });
    await vi.waitFor(() => expect(told).toEqual(['20 clients listen to the events already.']));
    vi.advanceTimersByTime(FIRST_DELAY_MS);
    expect(Source.made).toHaveLength(2);
  });

  it('says of a proxy that answers in its place with what, too', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<h1>Bad Gateway</h1>', { status: 502 })));
    start();
    newest().fail({ answered: true });
    await vi.waitFor(() => expect(told).toEqual(['The service answered 502.']));
  });

  it('says that the service cannot be reached, that its connection was lost, that it stops, each when it is so', async () => {
    start();
    newest().fail({ answered: false });
    vi.advanceTimersByTime(FIRST_DELAY_MS);
    newest().fail({ answered: true });
    await vi.waitFor(() => expect(told).toHaveLength(2));
    vi.advanceTimersByTime(10 * FIRST_DELAY_MS);
    newest().tell('snapshot', 1);
    newest().fail({ answered: false });
    vi.advanceTimersByTime(FIRST_DELAY_MS);
    newest().tell('closing', {});
    expect(told).toEqual([
      'The service cannot be reached.',
      'The service cannot be reached.',
      { snapshot: 1 },
      'The connection to the service was lost.',
      'The service is stopping.',
    ]);
  });

  it('is closed while nobody sees the page, also where it was about to try again, and opened when somebody does', () => {
    start();
    newest().tell('snapshot', 1);
    turn(true);
    expect(open()).toBe(0);
    network.dispatchEvent(new Event('online'));
    vi.advanceTimersByTime(3_600_000);
    expect(Source.made).toHaveLength(1);
    turn(false);
    expect(open()).toBe(1);
    newest().tell('snapshot', 2);
    newest().fail({ answered: false });
    turn(true);
    vi.advanceTimersByTime(3_600_000);
    expect(Source.made).toHaveLength(2);
    turn(false);
    turn(false);
    expect([Source.made.length, open()]).toEqual([3, 1]);
    const lost = 'The connection to the service was lost.';
    expect(told).toEqual([{ snapshot: 1 }, 'paused', 'paused', { snapshot: 2 }, lost, 'paused']);
  });

  it('is not opened by a page that begins where nobody sees it', () => {
    page.hidden = true;
    start();
    expect(Source.made).toEqual([]);
    turn(false);
    expect(open()).toBe(1);
  });
});

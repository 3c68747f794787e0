import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../mqtt-sync/logger.js';
import { SyncEvents } from '../../mqtt-sync/sync-events.js';
import { FakeClock } from '../../mqtt-sync/time/fake-clock.js';
import { OutageFile } from './outage-file.js';
import { OutageHistory } from './outage-history.js';

const SECOND = 1000;
const CONNECTED = { protocol: '5', sessionPresent: false } as const;

function setUp(file?: OutageFile, clock = new FakeClock()) {
  const events = new SyncEvents(silentLogger);
  const connection = { isConnected: false, lastFailure: undefined as string | undefined };
  const history = new OutageHistory(events, connection, clock, file);
  const connect = () => {
    connection.isConnected = true;
    connection.lastFailure = undefined;
    events.emit('connected', CONNECTED);
  };
  const lose = (reason: string) => {
    connection.isConnected = false;
    connection.lastFailure = reason;
    events.emit('disconnected', { reason });
  };
  const fail = (reason: string) => {
    connection.lastFailure = reason;
    events.emit('reconnecting', { attempt: 1 });
  };
  return { clock, history, connect, lose, fail };
}

function filePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'outages-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'outages.json');
}

describe('OutageHistory', () => {
  it('takes no short start for an outage, and a long one for one', () => {
    const quick = setUp();
    quick.clock.advance(SECOND);
    quick.connect();
    expect([quick.history.past, quick.history.ongoing]).toEqual([[], undefined]);
    const slow = setUp();
    const startMs = slow.clock.wallMs();
    slow.fail('connect ECONNREFUSED');
    slow.clock.advance(60 * SECOND);
    slow.connect();
    expect(slow.history.past).toMatchObject([
      { fromMs: startMs, toMs: startMs + 60 * SECOND, reason: 'connect ECONNREFUSED', count: 1 },
    ]);
  });

  it('knows since when there is no connection, and the newest reason', () => {
    const { clock, history, connect, lose, fail } = setUp();
    connect();
    expect(history.protocol).toBe('5');
    clock.advance(5 * SECOND);
    lose('reset by the broker');
    const lostAtMs = clock.wallMs();
    clock.advance(5 * SECOND);
    fail('no route to host');
    expect(history.ongoing).toEqual({ fromMs: lostAtMs, reason: 'no route to host' });
    expect([history.since, history.protocol]).toEqual([new Date(lostAtMs).toISOString(), undefined]);
    connect();
    expect(history.past).toMatchObject([{ fromMs: lostAtMs, toMs: lostAtMs + 5 * SECOND, reason: 'no route to host' }]);
  });

  it('remembers the outages of earlier lives, the one that the service ended in, and the time between', async () => {
    const path = filePath();
    const before = setUp(new OutageFile(path));
    await before.history.load();
    before.connect();
    before.clock.advance(5 * SECOND);
    before.lose('cut');
    const lostAtMs = before.clock.wallMs();
    before.clock.advance(5 * SECOND);
    await before.history.stop();
    const diedAt = before.clock.wallMs() / SECOND;
    utimesSync(path, diedAt, diedAt);
    before.clock.advance(3600 * SECOND);
    const after = setUp(new OutageFile(path), before.clock);
    await after.history.load();
    expect(after.history.past).toMatchObject([
      { kind: 'disconnected', fromMs: lostAtMs, toMs: lostAtMs + 5 * SECOND, reason: 'cut' },
      { kind: 'not_running', fromMs: lostAtMs + 5 * SECOND, toMs: after.clock.wallMs() },
    ]);
    expect(after.history.knownSince).toBe(before.history.knownSince);
  });

  it.each([
    ['damaged', '{"version":1,"outages":[{}'],
    ['of another kind', '{"version":2}'],
    ['of a time that is none', '{"version":1,"sinceMs":8.65e15,"outages":[]}'],
    ['far too large', ' '.repeat(300_000)],
  ])('begins anew with a file that is %s', async (_what, text) => {
    const path = filePath();
    writeFileSync(path, text);
    utimesSync(path, 0, 0);
    const { history } = setUp(new OutageFile(path));
    await history.load();
    expect(history.past).toEqual([]);
    expect(() => history.knownSince).not.toThrow();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 1, outages: [] });
  });

  it('goes on without its file where none can be written', async () => {
    const { history } = setUp(new OutageFile(join(filePath(), 'nowhere', 'outages.json')));
    await history.load();
    await history.stop();
    expect(history.past).toEqual([]);
  });
});

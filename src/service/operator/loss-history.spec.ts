import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../mqtt-sync/logger.js';
import { SyncEvents } from '../../mqtt-sync/sync-events.js';
import { FakeClock } from '../../mqtt-sync/time/fake-clock.js';
import { LossHistory } from './loss-history.js';

const HOUR_MS = 3_600_000;

function filePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'losses-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'losses.json');
}

async function live(path: string | undefined, clock: FakeClock) {
  const events = new SyncEvents(silentLogger);
  const history = new LossHistory(events, clock, path);
  await history.load();
  const letter = { entity: 'crew', sequence: 1, position: 1, messageId: 'm1', reason: 'by_hand' } as const;
  return {
    history,
    discard: () => events.emit('dead_letter_discarded', letter),
    miss: (count: number) => events.emit('messages_missing', { entity: 'crew', count }),
  };
}

describe('LossHistory', () => {
  it('knows over several lives how many were lost, when the last one was, and since when it knows', async () => {
    const [path, clock] = [filePath(), new FakeClock()];
    const sinceMs = clock.wallMs();
    const first = await live(path, clock);
    expect(first.history.earlier).toEqual({ lost: 0, lastMs: undefined, sinceMs });
    first.discard();
    clock.advance(HOUR_MS);
    first.miss(4);
    const lastMs = clock.wallMs();
    // What is lost in this life, others count.
    expect(first.history.earlier.lost).toBe(0);
    await first.history.stop();
    clock.advance(HOUR_MS);
    const second = await live(path, clock);
    expect(second.history.earlier).toEqual({ lost: 5, lastMs, sinceMs });
    await second.history.stop();
    const third = await live(path, clock);
    expect(third.history.earlier).toEqual({ lost: 5, lastMs, sinceMs });
    third.discard();
    await third.history.stop();
    expect((await live(path, clock)).history.earlier).toMatchObject({ lost: 6, lastMs: clock.wallMs() });
  });

  it('survives a kill: what was lost is written a second later', async () => {
    const [path, clock] = [filePath(), new FakeClock()];
    const killed = await live(path, clock);
    killed.miss(3);
    clock.advance(1000);
    await killed.history.stop();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 1, lost: 3 });
  });

  it.each(['{"version":1,"lost":-1}', '{"version":1,"sinceMs":8.65e15,"lost":3}', '[]', 'x'])(
    'begins anew where the file is %s',
    async (content) => {
      const [path, clock] = [filePath(), new FakeClock()];
      writeFileSync(path, content);
      expect((await live(path, clock)).history.earlier.lost).toBe(0);
    },
  );

  it('writes nothing where nothing is to be remembered', async () => {
    const clock = new FakeClock();
    const { history, discard } = await live(undefined, clock);
    discard();
    await history.stop();
    expect(history.earlier.lost).toBe(0);
  });
});

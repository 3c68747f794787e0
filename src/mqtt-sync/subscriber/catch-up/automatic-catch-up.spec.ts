import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../logger.js';
import { FakeClock } from '../../time/fake-clock.js';
import type { Range } from '../../wire/sequence-ranges.js';
import { AutomaticCatchUp } from './automatic-catch-up.js';
import type { CatchUpQuery } from './catch-up-query.js';

const CREW = { vesselId: 'mv-aurora', epoch: 7, entity: 'crew' };

function setScene() {
  const clock = new FakeClock();
  const asked: { readonly atS: number; readonly query: CatchUpQuery }[] = [];
  const scene = { missing: [{ from: 2, to: 4 }] as readonly Range[], isAnswering: false };
  const automatic = new AutomaticCatchUp({
    catchUp: {
      request(query) {
        asked.push({ atS: clock.monotonicMs() / 1000, query });
        if (!scene.isAnswering) return Promise.reject(new Error('no answer'));
        return Promise.resolve({ asked: 1, received: 1, lost: 0, more: false });
      },
    },
    gaps: { missingOf: () => scene.missing },
    ...{ clock, logger: silentLogger, random: () => 1 },
  });
  const pass = async (seconds: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const status = (value: string, vesselId = 'mv-aurora') =>
    automatic.receive({
      ...{ topic: 'vessel/sync/system/status/mv-aurora', qos: 1, retained: true },
      payload: Buffer.from(JSON.stringify({ type: 'status', vesselId, data: { status: value } })),
    });
  return { clock, asked, scene, automatic, pass, status, times: () => asked.map(({ atS }) => atS) };
}

describe('AutomaticCatchUp', () => {
  it('asks for what is missing as soon as that is told, and no more once it is here or told as lost', async () => {
    const { automatic, asked, scene, pass, clock } = setScene();
    scene.isAnswering = true;
    automatic.detected(CREW);
    expect(asked[0]?.query).toEqual({ ...CREW, ranges: [{ from: 2, to: 4 }] });
    // The numbers 2 and 3 came, 4 is lost: the inbox has nothing missing.
    scene.missing = [];
    await pass(120);
    automatic.detected(CREW);
    expect(asked).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not ask for changes that no vessel can send again', async () => {
    const { automatic, asked, pass } = setScene();
    automatic.detected({ ...CREW, entity: 'request' });
    automatic.detected({ ...CREW, vesselId: 'offi ce' });
    await pass(3600);
    expect(asked).toEqual([]);
  });

  it('asks again for the rest only, after what was answered had time to settle', async () => {
    const { automatic, asked, scene, pass, times } = setScene();
    scene.isAnswering = true;
    automatic.detected(CREW);
    scene.missing = [{ from: 4, to: 4 }];
    await pass(61);
    expect(times()).toEqual([0, 60]);
    expect(asked[1]?.query.ranges).toEqual([{ from: 4, to: 4 }]);
  });

  it('waits longer each time that nobody answers, an hour at most', async () => {
    const { automatic, pass, times } = setScene();
    automatic.detected(CREW);
    await pass(16_000);
    const waits = times()
      .slice(1)
      .map((at, index) => at - times()[index]!);
    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it('waits up to a day where the vessel answers and still does not send it, as it does not send its dead letters', async () => {
    const { automatic, scene, pass, times } = setScene();
    scene.isAnswering = true;
    automatic.detected(CREW);
    await pass(260_000);
    const waits = times()
      .slice(1)
      .map((at, index) => at - times()[index]! - 30);
    expect(waits.slice(0, 4)).toEqual([30, 60, 120, 240]);
    expect(waits.at(-1)).toBe(86_400);
  });

  it('asks when the vessel is online again, but not each time that a bad link comes back', async () => {
    const { automatic, pass, status, times } = setScene();
    automatic.detected(CREW);
    await pass(300);
    expect(times()).toEqual([0, 30, 90, 210]);
    await status('offline');
    await status('online', 'mv-other');
    expect(times()).toHaveLength(4);
    await status('online');
    await pass(1);
    await status('online');
    await status('online');
    await pass(28);
    expect(times()).toEqual([0, 30, 90, 210, 300]);
    await pass(1);
    expect(times()).toEqual([0, 30, 90, 210, 300, 330]);
  });

  it('asks no more after the stop', async () => {
    const { automatic, clock, pass, times } = setScene();
    automatic.detected(CREW);
    await pass(1);
    automatic.stop();
    await pass(100);
    expect([times(), clock.pendingTimers]).toEqual([[0], 0]);
  });
});

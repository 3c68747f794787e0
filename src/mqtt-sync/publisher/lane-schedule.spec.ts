import { describe, expect, it } from 'vitest';
import type { Lane } from '../wire/lanes.js';
import { LaneSchedule } from './lane-schedule.js';

/** Serves so many messages from lanes that hold what is given. */
function serve(schedule: LaneSchedule, waiting: Record<Lane, number>, count: number): Lane[] {
  const served: Lane[] = [];
  for (let turn = 0; turn < count; turn++) {
    const lane = schedule.order().find((candidate) => waiting[candidate] > 0);
    if (!lane) break;
    waiting[lane]--;
    schedule.served(lane);
    served.push(lane);
  }
  return served;
}

describe('LaneSchedule', () => {
  it('serves a new critical message next, whatever waits in the other lanes', () => {
    const schedule = new LaneSchedule();
    serve(schedule, { critical: 0, normal: 1000, bulk: 1000 }, 1000);
    expect(serve(schedule, { critical: 1, normal: 1000, bulk: 1000 }, 1)).toEqual(['critical']);
  });

  it('lets every lane move while all are full', () => {
    const served = serve(new LaneSchedule(), { critical: 1e6, normal: 1e6, bulk: 1e6 }, 1000);
    const share = (lane: Lane) => served.filter((candidate) => candidate === lane).length;
    expect(share('critical')).toBeGreaterThan(share('normal'));
    expect(share('normal')).toBeGreaterThan(share('bulk'));
    expect(share('bulk')).toBeGreaterThan(0);
  });

  it('gives a lane everything while the others are empty', () => {
    expect(serve(new LaneSchedule(), { critical: 0, normal: 0, bulk: 500 }, 500)).toHaveLength(500);
  });
});

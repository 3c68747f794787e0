// A contender in a process of its own, told by the benchmark what to do.
import { setTimeout as pause } from 'node:timers/promises';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { WINDOW } from '../contenders.js';
import { nowMs } from '../clock.js';
import { LOAD } from '../payload.js';
import { serve } from '../rig/rpc.js';
import type { PaceResult, Station, StationCalls, StationOptions, SteadyResult } from './station.js';

/** How often `pace()` publishes what is due, in milliseconds. */
const PACE_STEP_MS = 2;
/** How often `passing()` looks, in milliseconds: it goes on during all of a drain, which it must not slow down. */
const PASSING_STEP_MS = 5;

/**
 * Loads only what the contender's user would have: Nest and lmdb cost memory, and our library changes a setting of
 * mqtt-packet that is global to the process.
 */
async function stationOf(options: StationOptions): Promise<Station> {
  switch (options.contender) {
    case 'disk':
    case 'memory':
      return new (await import('./sync-station.js')).SyncStation(options);
    case 'mqttjs-offline':
      return new (await import('./mqttjs-station.js')).OfflineStation(options);
    case 'one-at-a-time':
      return new (await import('./mqttjs-station.js')).WindowStation(options, 1);
    case 'bare-socket':
      return new (await import('./socket-station.js')).SocketStation(options);
    default:
      return new (await import('./mqttjs-station.js')).WindowStation(options, WINDOW);
  }
}

class StationProcess {
  private station: Station | undefined;

  async open(options: StationOptions): Promise<void> {
    this.station = await stationOf(options);
    await this.station.open();
  }

  async reached(condition: (station: Station) => boolean, everyMs = 1): Promise<void> {
    while (!condition(this.at)) await pause(everyMs);
  }

  async passing(counts: readonly number[]): Promise<number[]> {
    const times: number[] = [];
    for (const count of counts) {
      await this.reached(({ delivered }) => delivered >= count, PASSING_STEP_MS);
      times.push(nowMs());
    }
    return times;
  }

  async steady(first: number, count: number): Promise<SteadyResult> {
    const goal = this.at.delivered + count;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const beganMs = nowMs();
    await this.at.publish(LOAD, first, count);
    await this.reached(({ delivered }) => delivered >= goal);
    const elapsedMs = nowMs() - beganMs;
    delay.disable();
    return { elapsedMs, loopDelayP99Ms: p99Ms(delay) };
  }

  async pace(perSecond: number, seconds: number): Promise<PaceResult> {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const work: Promise<void>[] = [];
    let published = 0;
    delay.enable();
    const beganMs = nowMs();
    for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = nowMs() - beganMs) {
      const due = Math.floor((elapsedMs * perSecond) / 1000) - published;
      if (due > 0) work.push(this.at.publish(LOAD, published, due));
      published += Math.max(0, due);
      await pause(PACE_STEP_MS);
    }
    delay.disable();
    await Promise.all(work);
    return { loopDelayP99Ms: p99Ms(delay), perSecond: published / seconds };
  }

  get at(): Station {
    if (!this.station) throw new Error('the station is not open');
    return this.station;
  }
}

function p99Ms(delay: IntervalHistogram): number {
  return delay.percentile(99) / 1e6;
}

const here = new StationProcess();

serve<StationCalls>({
  open: (options: StationOptions) => here.open(options),
  connected: () => here.reached((station) => station.isConnected()),
  publish: ({ entity, first, count }: Parameters<StationCalls['publish']>[0]) => here.at.publish(entity, first, count),
  gather: ({ entity, count }: Parameters<StationCalls['gather']>[0]) =>
    here.at.gather?.(entity, count) ?? Promise.resolve(),
  delivered: (count: number) => here.reached(({ delivered }) => delivered >= count),
  passing: (counts: readonly number[]) => here.passing(counts),
  steady: ({ first, count }: Parameters<StationCalls['steady']>[0]) => here.steady(first, count),
  pace: ({ perSecond, seconds }: Parameters<StationCalls['pace']>[0]) => here.pace(perSecond, seconds),
  alert: ({ number, qos }: Parameters<StationCalls['alert']>[0]) => {
    if (!here.at.alert) throw new Error('only our own publisher knows alerts');
    return here.at.alert(number, qos);
  },
  usage: () => {
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1000, delivered: here.at.delivered };
  },
  close: async () => {
    await here.at.close();
    // After the answer is out.
    setImmediate(() => process.exit(0));
  },
});

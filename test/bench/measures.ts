import { PROFILE_TABLE } from './profiles.js';
import { type Estimate, estimate, ratioByRound } from './ratios.js';
import { type RowKey, valuesOf } from './results.js';
import type { Metric, Sample } from './run.js';

/** One of the aims, and what came of it. */
export interface Measure {
  readonly name: string;
  readonly aim: { readonly atLeast: number } | { readonly atMost: number };
  /** Undefined when this run did not measure it. */
  readonly value: number | undefined;
  readonly spread?: Estimate['spread'];
  readonly basis?: Estimate['basis'];
  /** By the median. */
  readonly verdict: 'reached' | 'MISSED' | 'not measured';
}

const LOOPBACK_STEADY = { scenario: 'steady', profile: 'loopback' } as const;
const LOOPBACK_DRAIN = { scenario: 'drain', profile: 'loopback' } as const;
const LOOPBACK_RECEIVE = { scenario: 'receive', profile: 'loopback' } as const;
const GEO_DRAIN = { scenario: 'drain', profile: 'geo' } as const;
const MILLION_DRAIN = { scenario: 'drain-million', profile: 'loopback', contender: 'disk' } as const;
const START = { scenario: 'start', profile: 'loopback', contender: 'disk' } as const;
const ALERT = { scenario: 'alert', profile: 'geo', contender: 'disk' } as const;
const GEO_ROUND_TRIP_MS = 2 * (PROFILE_TABLE.geo.quality?.delayMs ?? 0);

/** Compares a run with what was aimed at. @param million messages of the large backlog of this run. */
export function judge(samples: readonly Sample[], million: number): Measure[] {
  const read = (key: RowKey, metric: Metric) => valuesOf(samples, key, metric);
  const disk = (key: RowKey, metric: Metric) => read({ ...key, contender: 'disk' }, metric);
  const plain = (key: RowKey, metric: Metric) => read({ ...key, contender: 'mqttjs' }, metric);
  const waiting = (count: number) => read({ ...START, variant: `${count} waiting` }, 'anonymousMiB');
  const tuned = read({ ...LOOPBACK_DRAIN, contender: 'bridge-tuned' }, 'secondsPer10000');
  const oneByOne = read({ ...GEO_DRAIN, contender: 'one-at-a-time' }, 'secondsPer10000');
  const alertIn = (metric: Metric) => estimate(read(ALERT, metric), GEO_ROUND_TRIP_MS);
  const millionth = read(MILLION_DRAIN, 'secondsPer10000');
  const firstMs = read({ scenario: 'recovery', profile: 'geo', contender: 'disk' }, 'firstDeliveryMs');
  const loop = { scenario: 'event-loop', profile: 'loopback' } as const;
  const health = read({ ...START, variant: `${million} waiting` }, 'healthMs');
  return [
    atLeast(
      'steady, loopback: fsynced on disk / MQTT.js in RAM',
      1,
      ratioByRound(disk(LOOPBACK_STEADY, 'perSecond'), plain(LOOPBACK_STEADY, 'perSecond')),
    ),
    atLeast(
      'drain of 10,000, loopback: on disk / tuned bridge',
      1,
      ratioByRound(tuned, disk(LOOPBACK_DRAIN, 'secondsPer10000')),
    ),
    atLeast(
      'drain of 10,000, GEO: of what the link can carry',
      0.95,
      ratioByRound(disk(GEO_DRAIN, 'bytesPerSecond'), read({ scenario: 'link', profile: 'geo' }, 'bytesPerSecond')),
    ),
    atLeast('drain of 10,000, GEO: / one at a time', 200, ratioByRound(oneByOne, disk(GEO_DRAIN, 'secondsPer10000'))),
    atMost(
      'CPU per delivered message, steady: on disk / MQTT.js',
      1.2,
      ratioByRound(disk(LOOPBACK_STEADY, 'cpuUsPerMessage'), plain(LOOPBACK_STEADY, 'cpuUsPerMessage')),
    ),
    atMost(
      'bytes on the wire per message beyond the envelope',
      15,
      estimate(disk({ scenario: 'wire', profile: 'loopback' }, 'bytesPerMessage')),
    ),
    atMost('seconds from the return of the link to the first delivery', 5, estimate(firstMs, 1000)),
    atMost(`anonymous memory, ${million} waiting / 1,000 waiting`, 1.2, ratioByRound(waiting(million), waiting(1000))),
    atMost(
      `time per message, drain of ${million} / of 10,000`,
      1.1,
      ratioByRound(millionth, disk(LOOPBACK_DRAIN, 'secondsPer10000')),
    ),
    atMost(
      `time per message, last 30 % / 10 to 40 % of ${million}`,
      1.1,
      estimate(read(MILLION_DRAIN, 'endToBeginning')),
    ),
    atLeast(
      'handler throughput, loopback: inbox on disk / Transport.MQTT of Nest',
      0.8,
      ratioByRound(
        read({ ...LOOPBACK_RECEIVE, contender: 'receiver' }, 'perSecond'),
        read({ ...LOOPBACK_RECEIVE, contender: 'nest-mqtt' }, 'perSecond'),
      ),
    ),
    atMost('event-loop delay at 5,000 a second, p99, ms', 10, estimate(disk(loop, 'loopDelayP99Ms'))),
    atMost('alert behind the backlog, GEO, QoS 1 acknowledged, round trips', 2, alertIn('qos1AcknowledgedMs')),
    atMost('alert, QoS 2 at the subscriber, round trips', 2.5, alertIn('qos2AtSubscriberMs')),
    atMost('alert, QoS 2 complete, round trips', 3, alertIn('qos2CompleteMs')),
    atMost(`health document with ${million} waiting, p99, ms`, 5, estimate(health)),
  ];
}

function atLeast(name: string, aim: number, found: Estimate | undefined): Measure {
  return { name, aim: { atLeast: aim }, ...judged(found, (it) => it >= aim) };
}

function atMost(name: string, aim: number, found: Estimate | undefined): Measure {
  return { name, aim: { atMost: aim }, ...judged(found, (it) => it <= aim) };
}

function judged(found: Estimate | undefined, holds: (value: number) => boolean): Omit<Measure, 'name' | 'aim'> {
  if (found === undefined) return { value: undefined, verdict: 'not measured' };
  return { ...found, verdict: holds(found.value) ? 'reached' : 'MISSED' };
}

import { PROFILE_TABLE } from './profiles.js';
import { medianOf, type Row, type RowKey } from './results.js';
import type { Metric } from './run.js';

/** One of the aims, and what came of it. */
export interface Measure {
  readonly name: string;
  readonly aim: { readonly atLeast: number } | { readonly atMost: number };
  /** Undefined when this run did not measure it. */
  readonly value: number | undefined;
  readonly verdict: 'reached' | 'MISSED' | 'not measured';
}

type Read = (key: Omit<RowKey, 'contender'> & Partial<Pick<RowKey, 'contender'>>, metric: Metric) => number | undefined;

const LOOPBACK_STEADY = { scenario: 'steady', profile: 'loopback' } as const;
const LOOPBACK_DRAIN = { scenario: 'drain', profile: 'loopback' } as const;
const LOOPBACK_RECEIVE = { scenario: 'receive', profile: 'loopback' } as const;
const GEO_DRAIN = { scenario: 'drain', profile: 'geo' } as const;
const START = { scenario: 'start', profile: 'loopback', contender: 'disk' } as const;
const ALERT = { scenario: 'alert', profile: 'geo', contender: 'disk' } as const;
const GEO_ROUND_TRIP_MS = 2 * (PROFILE_TABLE.geo.quality?.delayMs ?? 0);

/** Compares a run with what was aimed at. @param million messages of the large backlog of this run. */
export function judge(rows: readonly Row[], million: number): Measure[] {
  const read: Read = (key, metric) => medianOf(rows, key, metric);
  const disk = (key: Omit<RowKey, 'contender'>, metric: Metric) => read({ ...key, contender: 'disk' }, metric);
  const plain = (key: Omit<RowKey, 'contender'>, metric: Metric) => read({ ...key, contender: 'mqttjs' }, metric);
  const waiting = (count: number) => read({ ...START, variant: `${count} waiting` }, 'anonymousMiB');
  const tuned = read({ ...LOOPBACK_DRAIN, contender: 'bridge-tuned' }, 'secondsPer10000');
  const oneByOne = read({ ...GEO_DRAIN, contender: 'one-at-a-time' }, 'secondsPer10000');
  const alertIn = (metric: Metric) => ratio(read(ALERT, metric), GEO_ROUND_TRIP_MS);
  const millionth = read({ scenario: 'drain-million', profile: 'loopback', contender: 'disk' }, 'secondsPer10000');
  const seconds = ratio(read({ scenario: 'recovery', profile: 'geo', contender: 'disk' }, 'firstDeliveryMs'), 1000);
  const loop = { scenario: 'event-loop', profile: 'loopback' } as const;
  const health = read({ ...START, variant: `${million} waiting` }, 'healthMs');
  return [
    atLeast(
      'steady, loopback: fsynced on disk / MQTT.js in RAM',
      1,
      ratio(disk(LOOPBACK_STEADY, 'perSecond'), plain(LOOPBACK_STEADY, 'perSecond')),
    ),
    atLeast(
      'drain of 10,000, loopback: on disk / tuned bridge',
      1,
      ratio(tuned, disk(LOOPBACK_DRAIN, 'secondsPer10000')),
    ),
    atLeast(
      'drain of 10,000, GEO: of what the link can carry',
      0.95,
      ratio(disk(GEO_DRAIN, 'bytesPerSecond'), read({ scenario: 'link', profile: 'geo' }, 'bytesPerSecond')),
    ),
    atLeast('drain of 10,000, GEO: / one at a time', 200, ratio(oneByOne, disk(GEO_DRAIN, 'secondsPer10000'))),
    atMost(
      'CPU per delivered message, steady: on disk / MQTT.js',
      1.2,
      ratio(disk(LOOPBACK_STEADY, 'cpuUsPerMessage'), plain(LOOPBACK_STEADY, 'cpuUsPerMessage')),
    ),
    atMost(
      'bytes on the wire per message beyond the envelope',
      15,
      disk({ scenario: 'wire', profile: 'loopback' }, 'bytesPerMessage'),
    ),
    atMost('seconds from the return of the link to the first delivery', 5, seconds),
    atMost(`anonymous memory, ${million} waiting / 1,000 waiting`, 1.2, ratio(waiting(million), waiting(1000))),
    atMost(
      `time per message, drain of ${million} / of 10,000`,
      1.1,
      ratio(millionth, disk(LOOPBACK_DRAIN, 'secondsPer10000')),
    ),
    atLeast(
      'handler throughput, loopback: inbox on disk / Transport.MQTT of Nest',
      0.8,
      ratio(
        read({ ...LOOPBACK_RECEIVE, contender: 'receiver' }, 'perSecond'),
        read({ ...LOOPBACK_RECEIVE, contender: 'nest-mqtt' }, 'perSecond'),
      ),
    ),
    atMost('event-loop delay at 5,000 a second, p99, ms', 10, disk(loop, 'loopDelayP99Ms')),
    atMost('alert behind the backlog, GEO, QoS 1 acknowledged, round trips', 2, alertIn('qos1AcknowledgedMs')),
    atMost('alert, QoS 2 at the subscriber, round trips', 2.5, alertIn('qos2AtSubscriberMs')),
    atMost('alert, QoS 2 complete, round trips', 3, alertIn('qos2CompleteMs')),
    atMost(`health document with ${million} waiting, p99, ms`, 5, health),
  ];
}

function ratio(value: number | undefined, base: number | undefined): number | undefined {
  return value === undefined || base === undefined ? undefined : value / base;
}

function atLeast(name: string, aim: number, value: number | undefined): Measure {
  return { name, aim: { atLeast: aim }, value, verdict: verdictOf(value, (it) => it >= aim) };
}

function atMost(name: string, aim: number, value: number | undefined): Measure {
  return { name, aim: { atMost: aim }, value, verdict: verdictOf(value, (it) => it <= aim) };
}

function verdictOf(value: number | undefined, holds: (value: number) => boolean): Measure['verdict'] {
  if (value === undefined) return 'not measured';
  return holds(value) ? 'reached' : 'MISSED';
}

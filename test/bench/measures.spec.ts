import { expect, it } from 'vitest';
import { judge } from './measures.js';
import type { Sample } from './run.js';

const steady = (contender: 'disk' | 'mqttjs', perSecond: number, cpuUsPerMessage: number): Sample => ({
  scenario: 'steady',
  profile: 'loopback',
  contender,
  values: { perSecond, cpuUsPerMessage },
});

const verdictOf = (samples: readonly Sample[], name: string) =>
  judge(samples, 1_000_000).find((measure) => measure.name.startsWith(name));

it('takes the ratios of each round, and judges by their median', () => {
  const samples = [
    ...[steady('disk', 60, 10), steady('mqttjs', 20, 10)],
    ...[steady('disk', 9, 30), steady('mqttjs', 10, 20)],
    ...[steady('disk', 40, 12), steady('mqttjs', 20, 10)],
  ];
  expect(verdictOf(samples, 'steady, loopback')).toMatchObject({
    ...{ value: 2, basis: 'rounds', verdict: 'reached' },
    spread: { min: 0.9, max: 3, samples: 3 },
  });
  expect(verdictOf(samples, 'CPU per delivered')).toMatchObject({ value: 1.2, verdict: 'reached' });
});

it('compares the end of a long drain with its beginning, each drain for itself', () => {
  const samples = [1.05, 1.2, 1].map((endToBeginning): Sample => {
    return { scenario: 'drain-million', profile: 'loopback', contender: 'disk', values: { endToBeginning } };
  });
  expect(verdictOf(samples, 'time per message, last 30 % / 10 to 40 % of 1000000')).toMatchObject({
    ...{ value: 1.05, verdict: 'reached' },
    spread: { min: 1, max: 1.2, samples: 3 },
  });
});

it('says what was missed', () => {
  const samples = [steady('disk', 19, 13), steady('mqttjs', 20, 10)];
  expect(verdictOf(samples, 'steady, loopback')).toMatchObject({ value: 0.95, verdict: 'MISSED' });
  expect(verdictOf(samples, 'CPU per delivered')).toMatchObject({ value: 1.3, verdict: 'MISSED' });
});

it('does not judge what was not measured', () => {
  const measures = judge([steady('disk', 19, 13)], 1_000_000);
  expect(new Set(measures.map(({ verdict }) => verdict))).toEqual(new Set(['not measured']));
});

it('scales a drain of few messages, and measures alerts in nominal round trips', () => {
  const samples: Sample[] = [
    { scenario: 'drain', profile: 'geo', contender: 'disk', values: { secondsPer10000: 20 } },
    {
      ...{ scenario: 'drain', profile: 'geo', contender: 'one-at-a-time', scaledFromMessages: 20 },
      values: { secondsPer10000: 6000 },
    },
    { scenario: 'alert', profile: 'geo', contender: 'disk', values: { qos1AcknowledgedMs: 1260 } },
  ];
  expect(verdictOf(samples, 'drain of 10,000, GEO: / one')).toMatchObject({ value: 300, verdict: 'reached' });
  expect(verdictOf(samples, 'alert behind')).toMatchObject({ value: 2.1, verdict: 'MISSED' });
});

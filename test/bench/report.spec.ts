import { expect, it } from 'vitest';
import { renderMeasures, renderReport, renderTable } from './report.js';
import { toRows } from './results.js';

it('aligns columns', () => {
  expect(
    renderTable([
      ['a', 'long'],
      ['longer', 'b'],
    ]),
  ).toBe('  a       long\n  longer  b');
});

it('shows aim, value and verdict of every measure', () => {
  const text = renderMeasures([
    { name: 'speed', aim: { atLeast: 1 }, value: 0.5, verdict: 'MISSED' },
    { name: 'cost', aim: { atMost: 2 }, value: undefined, verdict: 'not measured' },
  ]);
  expect(text).toMatch(/speed\s+>= 1\s+0\.50\s+MISSED/);
  expect(text).toMatch(/cost\s+<= 2\s+-\s+not measured/);
});

it('shows the spread of a measure, and where it compares medians', () => {
  const aim = { atLeast: 1 };
  const spread = { min: 1, max: 3, samples: 5 };
  const text = renderMeasures([
    { name: 'by round', aim, value: 2, spread, basis: 'rounds', verdict: 'reached' },
    { name: 'at once', aim, value: 2, basis: 'medians', verdict: 'reached' },
  ]);
  expect(text).toMatch(/by round\s+>= 1\s+2\.00 \[1\.00 \.\. 3\.00\]\s+reached/);
  expect(text).toMatch(/at once\s+>= 1\s+2\.00 \(of medians\)\s+reached/);
});

it('shows median and spread, and marks what was scaled', () => {
  const drain = (seconds: number) =>
    ({
      scenario: 'drain',
      profile: 'geo',
      contender: 'one-at-a-time',
      values: { seconds },
      scaledFromMessages: 20,
    }) as const;
  const text = renderReport({} as never, toRows([drain(1), drain(3), drain(2)]), []);
  expect(text).toMatch(/one message per acknowledgement \(20\)\s+2\.00 \[1\.00 \.\. 3\.00\]/);
});

import { expect, it } from 'vitest';
import { ArgumentsError, HELP, readArguments } from './arguments.js';
import { CONTENDERS } from './contenders.js';
import { SCENARIOS } from './run.js';

it('runs everything unless told otherwise', () => {
  expect(readArguments([])).toMatchObject({
    quick: false,
    strict: false,
    scenarios: SCENARIOS,
    contenders: CONTENDERS,
  });
});

it('chooses by name, in the order of the list', () => {
  const { scenarios, contenders } = readArguments(['--scenario', 'drain,steady', '--contender', 'disk']);
  expect(scenarios).toEqual(['steady', 'drain']);
  expect(contenders).toEqual(['disk']);
});

it('looks at the most important in a quick run, and at whatever else it is told to', () => {
  const quick = readArguments(['--quick']);
  expect(quick).toMatchObject({ scenarios: SCENARIOS, profiles: ['loopback', 'geo'] });
  expect(quick.contenders).not.toContain('one-at-a-time');
  expect(readArguments(['--quick', '--contender', 'one-at-a-time']).contenders).toEqual(['one-at-a-time']);
});

it('says what it does not know, and what there is', () => {
  expect(() => readArguments(['--profile', 'mars'])).toThrow(/no profile "mars".*loopback, lan/);
  expect(() => readArguments(['--rounds', 'many'])).toThrow(ArgumentsError);
  expect(() => readArguments(['--fast'])).toThrow(ArgumentsError);
  expect(() => readArguments(['--quick', '--strict'])).toThrow(/do not go together/);
});

it('explains every scenario and contender', () => {
  for (const name of [...SCENARIOS, ...CONTENDERS]) expect(HELP).toMatch(new RegExp(`^ {4}${name} +\\S`, 'm'));
});

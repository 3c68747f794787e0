import { expect, it } from 'vitest';
import { brokenClaims, shapedLinks } from './link-claims.js';
import { PROFILES } from './profiles.js';
import { SCENARIOS } from './run.js';

it('takes a link that is as it claims', () => {
  expect(brokenClaims('geo', { roundTripMs: 625, bytesPerSecond: 249_000 })).toEqual([]);
  expect(brokenClaims('certus', { roundTripMs: 704, bytesPerSecond: 44_015 })).toEqual([]);
});

it('names claim and measurement of a link that is too fast or too slow', () => {
  expect(brokenClaims('certus', { roundTripMs: 800, bytesPerSecond: 44_000 })).toEqual([
    'certus claims a round trip of 700 ms; it takes 800.0 ms.',
  ]);
  expect(brokenClaims('geo', { roundTripMs: 300, bytesPerSecond: 500_000 })).toEqual([
    'geo claims a round trip of 600 to 650 ms; it takes 300.0 ms.',
    'geo claims 250000 bytes/s; it carries 500000 bytes/s.',
  ]);
});

it('names a rate that is more than a twentieth off', () => {
  expect(brokenClaims('geo', { roundTripMs: 620, bytesPerSecond: 262_000 })).toEqual([]);
  expect(brokenClaims('geo', { roundTripMs: 620, bytesPerSecond: 236_000 })).toEqual([
    'geo claims 250000 bytes/s; it carries 236000 bytes/s.',
  ]);
});

it('forgives timers their whole milliseconds, and expects no rate where none is claimed', () => {
  expect(brokenClaims('lan', { roundTripMs: 3.5, bytesPerSecond: 50_000_000 })).toEqual([]);
  expect(brokenClaims('lan', { roundTripMs: 5, bytesPerSecond: 50_000_000 })).toHaveLength(1);
  expect(brokenClaims('lan', { roundTripMs: 1, bytesPerSecond: 50_000_000 })).toHaveLength(1);
});

it('finds the shaped links that scenarios use', () => {
  expect(shapedLinks(SCENARIOS, PROFILES)).toEqual(['lan', 'geo', 'certus']);
  expect(shapedLinks(['steady'], PROFILES)).toEqual(['lan']);
  expect(shapedLinks(['drain', 'steady'], ['loopback', 'geo'])).toEqual(['geo']);
  expect(shapedLinks(['wire', 'start', 'receive'], PROFILES)).toEqual([]);
  expect(shapedLinks(['recovery'], ['loopback'])).toEqual(['geo']);
});

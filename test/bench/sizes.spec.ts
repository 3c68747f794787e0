import { expect, it } from 'vitest';
import { FULL, messagesFor } from './sizes.js';

it('has everybody send the same on a fast link, but for a bridge that would drop it', () => {
  expect(messagesFor('disk', 'loopback', 10_000)).toBe(10_000);
  expect(messagesFor('one-at-a-time', 'loopback', 10_000)).toBe(10_000);
  expect(messagesFor('bridge-default', 'loopback', 10_000)).toBeLessThan(1000);
});

it('has those who wait for round trips send less on a long link', () => {
  expect(messagesFor('disk', 'geo', 10_000)).toBe(10_000);
  expect(messagesFor('one-at-a-time', 'geo', 10_000)).toBe(20);
  expect(messagesFor('disk', 'certus', 10_000)).toBe(2000);
});

it('keeps a long steady load from taking minutes with those who wait for every acknowledgement', () => {
  expect(messagesFor('one-at-a-time', 'loopback', FULL.steadyMessages)).toBe(10_000);
  expect(messagesFor('one-at-a-time', 'lan', FULL.steadyMessages)).toBe(1000);
  expect(messagesFor('disk', 'lan', FULL.steadyMessages)).toBe(FULL.steadyMessages);
});

it('never sends more than was asked for', () => {
  expect(messagesFor('bridge-default', 'geo', 10)).toBe(10);
});

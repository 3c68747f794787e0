import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { MessageIds } from './message-ids.js';

it('makes UUIDs of version 7, all different, also when the random numbers are fetched anew', () => {
  const ids = new MessageIds();
  const made = Array.from({ length: 5000 }, () => ids.next());
  expect(new Set(made).size).toBe(5000);
  expect(made.every((id) => validate(id) && version(id) === 7)).toBe(true);
});

it('makes ids that begin with the time', () => {
  const beforeMs = Date.now();
  const id = new MessageIds().next();
  const timeMs = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  expect(timeMs).toBeGreaterThanOrEqual(beforeMs);
  expect(timeMs).toBeLessThanOrEqual(Date.now());
});

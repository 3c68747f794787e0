import { describe, expect, it } from 'vitest';
import { Leaks } from '../faults/secrets/leaks.js';

const SECRET = 'wheel/house "7" ä';

describe('the search for secrets', () => {
  it.each([
    ['as it is', `mqtt://ship:${SECRET}@broker`],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['in JSON', JSON.stringify({ password: SECRET })],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64 behind something', Buffer.from(`ship:${SECRET}`).toString('base64')],
    ['in base64 between', Buffer.from(`a:${SECRET}:b`).toString('base64')],
    ['in bytes', Buffer.concat([Buffer.from([0, 255]), Buffer.from(SECRET), Buffer.from([0])])],
  ])('finds one %s', (_how, content) => {
    const leaks = new Leaks({ password: SECRET });
    leaks.search('a place', content);
    expect(leaks.found[0]).toMatch(/^password \(.*\) in a place$/);
    expect(leaks.found.join()).not.toContain(SECRET);
  });

  it('finds none where there is none', () => {
    const leaks = new Leaks({ password: SECRET });
    leaks.search('a place', 'mqtt://ship:***@broker');
    expect([leaks.found, leaks.searched]).toEqual([[], 1]);
  });
});

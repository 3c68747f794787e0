import { describe, expect, it } from 'vitest';
import { keepaliveNotice } from './keepalive-notice.js';
import { resolveOptions } from './resolve-options.js';

describe('the notice of a keepalive that is too short for the largest message', () => {
  it('is not given for the defaults', () => {
    expect(keepaliveNotice(resolveOptions())).toBeUndefined();
  });

  it('says which link it takes, and what to set for a slower one', () => {
    const notice = keepaliveNotice({ keepaliveS: 20, maxMessageBytes: 262_144 });
    expect(notice).toMatch(/maxMessageBytes \(262144\) .* keepalive of 20 s .* 8739 bytes a second/);
    expect(notice).toMatch(/set keepaliveS to 59 or more, or maxMessageBytes to 90000 or less\.$/);
  });

  it.each([
    { keepaliveS: 59, maxMessageBytes: 262_144 },
    { keepaliveS: 20, maxMessageBytes: 90_000 },
  ])('is not given once that is done (%j)', (options) => {
    expect(keepaliveNotice(options)).toBeUndefined();
  });
});

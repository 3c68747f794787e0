import { describe, expect, it } from 'vitest';
import { isLocalHost, isLocalOrigin, isLoopback } from './loopback.js';

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.255.0.3', '::1', '::ffff:127.0.0.1'])('knows %s as this machine', (address) => {
    expect(isLoopback(address)).toBe(true);
  });

  it.each(['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '0.0.0.0', '', 'localhost', undefined])(
    'takes %s for another machine',
    (address) => {
      expect(isLoopback(address)).toBe(false);
    },
  );
});

describe('isLocalOrigin', () => {
  it.each([undefined, 'http://localhost:5000', 'http://127.0.0.1', 'http://[::1]:5000'])('lets %s pass', (origin) => {
    expect(isLocalOrigin(origin)).toBe(true);
  });

  it.each(['https://evil.example', 'http://localhost.evil.example', 'null', ''])('stops %s', (origin) => {
    expect(isLocalOrigin(origin)).toBe(false);
  });
});

describe('isLocalHost', () => {
  it.each(['localhost', 'LOCALHOST:5000', '127.0.0.1:5000', '[::1]'])('lets %s pass', (host) => {
    expect(isLocalHost(host)).toBe(true);
  });

  it.each([undefined, '', 'evil.example:5000', 'localhost@evil.example', 'evil.example/localhost', '10.0.0.1', ':'])(
    'stops %s',
    (host) => {
      expect(isLocalHost(host)).toBe(false);
    },
  );
});

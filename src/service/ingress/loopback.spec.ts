import { describe, expect, it } from 'vitest';
import { isLocalHost, isLoopback, isOwnOrigin } from './loopback.js';

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

describe('isOwnOrigin', () => {
  it.each([
    [undefined, undefined],
    [undefined, 'ship.example:5000'],
    ['http://localhost:5000', 'localhost:5000'],
    ['http://localhost:5000', 'LOCALHOST:5000'],
    ['http://127.0.0.1', '127.0.0.1'],
    ['http://[::1]:5000', '[::1]:5000'],
  ])('lets %s pass at %s', (origin, host) => {
    expect(isOwnOrigin(origin, host)).toBe(true);
  });

  it.each([
    ['https://evil.example', 'localhost:5000'],
    // DNS rebinding: the name leads here by now.
    ['http://evil.example:5000', 'evil.example:5000'],
    ['http://localhost.evil.example', 'localhost'],
    // Whatever else runs on this machine.
    ['http://localhost:3000', 'localhost:5000'],
    ['http://localhost', 'localhost:5000'],
    ['http://127.0.0.1:5000', 'localhost:5000'],
    ['null', 'localhost:5000'],
    ['', ''],
    ['http://localhost:5000', undefined],
  ])('stops %s at %s', (origin, host) => {
    expect(isOwnOrigin(origin, host)).toBe(false);
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

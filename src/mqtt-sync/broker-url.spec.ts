import { describe, expect, it } from 'vitest';
import { brokerUrlFault } from './broker-url.js';

describe('the URL of a broker', () => {
  it.each([
    'mqtt://localhost',
    'mqtts://broker.example:8883',
    'ws://h:65535/mqtt?token=secret',
    'WSS://h',
    'ws://h/at@sea',
    'mqtt://[fe80::1]:1884',
    'mqtt://[fe80::1]',
    'mqtt://user:p%23ss%25@h:1',
    'mqtt://user:50%off@h',
  ])('may be %s', (url) => {
    expect(brokerUrlFault(url)).toBeUndefined();
  });

  it.each([
    ['localhost:1883', /^the scheme is missing: .*, such as mqtt:\/\/localhost:1883$/],
    ['broker.example', /scheme is missing/],
    ['10.0.0.7:1883', /scheme is missing/],
    ['mqtt:localhost', /scheme is missing/],
    ['', /scheme is missing/],
    ['http://broker.example', /^the scheme must be mqtt, mqtts, ws or wss/],
    ['://h', /scheme must be/],
    ['mqtt://localhost:99999', /^the port must be from 1 to 65535$/],
    ['ws://h:65536/mqtt', /the port must be/],
    ['mqtt://localhost:0', /the port must be/],
    ['mqtt://localhost:18a3', /the port must be/],
    ['mqtt://u:p@[::1]:99999', /the port must be/],
    ['mqtt://', /host is missing/],
    ['mqtt://:1883', /host is missing/],
    ['ws://u:p@', /host is missing/],
    ['mqtt://user:p#ss@h:1883', /^user name and password must be percent-encoded/],
    ['mqtt://user:p/ss@h', /percent-encoded/],
    ['mqtt://user:1#2@h', /percent-encoded/],
    ['ws://user#2@h', /percent-encoded/],
  ])('cannot be %s', (url, fault) => {
    expect(brokerUrlFault(url)).toMatch(fault);
  });

  it.each(['hunter2', 'ftp://u:hunter2@h', 'hunter2:hunter2@h:1', 'mqtt://u:hunter2@h:99999', 'mqtt://hunter2#@h'])(
    'is not repeated in what is said of it (%s)',
    (url) => {
      expect(brokerUrlFault(url)).not.toContain('hunter2');
    },
  );
});

import { describe, expect, it } from 'vitest';
import { RecordingLogger } from '../../../test/helpers/connection.js';
import { ReconnectLog } from './reconnect-log.js';

describe('ReconnectLog', () => {
  const scene = () => {
    const logger = new RecordingLogger();
    return { logger, log: new ReconnectLog(logger, 'mqtt://broker.test:1883') };
  };
  const reasons = ({ lines }: RecordingLogger): string[] =>
    lines.filter((line) => line.startsWith('warn')).map((line) => line.replace(/.*: /, ''));

  it('tells a few times that reasons alternate, and then seldom', () => {
    const { logger, log } = scene();
    for (let attempt = 0; attempt < 10_000; attempt++) log.failed(attempt % 2 ? 'no CONNACK' : 'no address');
    expect(reasons(logger).slice(0, 4)).toEqual(['no address', 'no CONNACK', 'no address', 'no CONNACK']);
    expect(reasons(logger).length).toBeLessThan(150);
  });

  it('tells a new reason at once, however often others have alternated', () => {
    const { logger, log } = scene();
    for (let attempt = 0; attempt < 1000; attempt++) log.failed(attempt % 2 ? 'no CONNACK' : 'no address');
    log.failed('certificate has expired');
    expect(reasons(logger).at(-1)).toBe('certificate has expired');
  });

  it('thins reasons that are all different', () => {
    const { logger, log } = scene();
    for (let attempt = 0; attempt < 10_000; attempt++) log.failed(`error ${attempt}`);
    expect(reasons(logger).length).toBeLessThan(150);
  });

  it('begins anew with each outage', () => {
    const { logger, log } = scene();
    for (let attempt = 0; attempt < 1000; attempt++) log.failed(attempt % 2 ? 'no CONNACK' : 'no address');
    const before = reasons(logger).length;
    log.connected('5', false);
    log.failed('no address');
    log.failed('no CONNACK');
    expect(reasons(logger).slice(before)).toEqual(['no address', 'no CONNACK']);
  });
});

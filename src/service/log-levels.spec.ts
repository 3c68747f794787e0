import { describe, expect, it } from 'vitest';
import { LogLevels, parseCategoryLevels } from './log-levels.js';

describe('LogLevels', () => {
  const levels = new LogLevels('info', { MqttSync: 'warn', 'MqttSync.connection': 'debug' });

  it.each([
    ['log', 'Service', true],
    ['debug', 'Service', false],
    ['log', undefined, true],
    ['log', 'MqttSync', false],
    ['warn', 'MqttSync.queue', true],
    ['log', 'MqttSync.queue', false],
    ['debug', 'MqttSync.connection', true],
    ['debug', 'MqttSync.connection.deeper', true],
    ['verbose', 'MqttSync.connection', false],
    ['log', 'MqttSyncOther', true],
  ] as const)('of a line with level %s and category %s says: %s', (level, category, seen) => {
    expect(levels.allows(level, category)).toBe(seen);
  });

  it('lets through what any category shows', () => {
    expect(levels.shown).toEqual(['fatal', 'error', 'warn', 'log', 'debug']);
  });
});

describe('parseCategoryLevels', () => {
  it('reads pairs', () => {
    expect(parseCategoryLevels('MqttSync.queue=debug, Http=error')).toEqual({
      'MqttSync.queue': 'debug',
      Http: 'error',
    });
  });

  it.each(['', 'debug', 'MqttSync=loud', '=debug', 'a=debug=b', 'a=info,', 'a b=info', 'a=log'])(
    'refuses "%s"',
    (text) => {
      expect(parseCategoryLevels(text)).toBeUndefined();
    },
  );
});

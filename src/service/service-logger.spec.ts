import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServiceLogger, type ServiceLoggerOptions } from './service-logger.js';

function printed(options: Partial<ServiceLoggerOptions>, use: (logger: ServiceLogger) => void): string {
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
  }
  use(new ServiceLogger({ level: 'info', json: false, colors: false, secrets: [], ...options }));
  vi.restoreAllMocks();
  return output;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('ServiceLogger', () => {
  it.each([true, false])('lets no secret through, in messages, errors and stacks (json: %s)', (json) => {
    const secrets = ['harbour-light', 'quo"te\\d'];
    const output = printed({ json, secrets }, (logger) => {
      logger.log('token harbour-light, password quo"te\\d', 'Test');
      logger.error('failed', 'Error: harbour-light\n    at harbour-light (x.ts:1)', 'Test');
      logger.warn(new Error('harbour-light'));
      logger.log({ token: 'harbour-light' });
    });
    expect(output).toContain('token ***, password ***');
    expect(output).not.toMatch(/harbour-light|quo\\*"te/);
  });

  it('logs as much as its level says', () => {
    const speak = (logger: ServiceLogger) => {
      logger.error('an error');
      logger.warn('a warning');
      logger.log('an information');
      logger.debug('a detail');
    };
    expect(printed({ level: 'error' }, speak)).not.toContain('warning');
    expect(printed({ level: 'info' }, speak)).toMatch(/error[^]*warning[^]*information/);
    expect(printed({ level: 'info' }, speak)).not.toContain('detail');
    expect(printed({ level: 'debug' }, speak)).toContain('detail');
  });

  it("tells of Nest's own start only when debugging", () => {
    const speak = (logger: ServiceLogger) => logger.log('Mapped {/metrics, GET} route', 'RouterExplorer');
    expect(printed({ level: 'info' }, speak)).toBe('');
    expect(printed({ level: 'debug' }, speak)).toContain('Mapped');
  });

  it('writes one JSON object a line for machines', () => {
    const output = printed({ json: true }, (logger) => logger.log('Connected', 'MqttSync'));
    expect(JSON.parse(output)).toMatchObject({ level: 'log', message: 'Connected', context: 'MqttSync' });
  });
});

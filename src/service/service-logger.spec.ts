import { afterEach, describe, expect, it, vi } from 'vitest';
import { LogLevels } from './log-levels.js';
import { ServiceLogger, type ServiceLoggerOptions } from './service-logger.js';

function printed(options: Partial<ServiceLoggerOptions>, use: (logger: ServiceLogger) => void): string {
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      output += String(text);
      return true;
    });
  }
  use(new ServiceLogger({ levels: new LogLevels('info'), json: false, colors: false, secrets: [], ...options }));
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
    expect(printed({ levels: new LogLevels('error') }, speak)).not.toContain('warning');
    expect(printed({ levels: new LogLevels('info') }, speak)).toMatch(/error[^]*warning[^]*information/);
    expect(printed({ levels: new LogLevels('info') }, speak)).not.toContain('detail');
    expect(printed({ levels: new LogLevels('debug') }, speak)).toContain('detail');
  });

  it("tells of Nest's own start only when debugging", () => {
    const speak = (logger: ServiceLogger) => logger.log('Mapped {/metrics, GET} route', 'RouterExplorer');
    expect(printed({ levels: new LogLevels('info') }, speak)).toBe('');
    expect(printed({ levels: new LogLevels('debug') }, speak)).toContain('Mapped');
  });

  it('writes one JSON object a line for machines', () => {
    const output = printed({ json: true }, (logger) => logger.log('Connected', 'MqttSync'));
    expect(JSON.parse(output)).toMatchObject({ level: 'info', message: 'Connected', context: 'MqttSync' });
  });

  it('gives machines the fields of a line beside its text, and people the text alone', () => {
    const speak = (logger: ServiceLogger) => {
      logger.error('Message id-1 was set aside', { messageId: 'id-1', reasonCode: 135 }, 'MqttSync.queue');
    };
    expect(JSON.parse(printed({ json: true }, speak))).toMatchObject({
      level: 'error',
      message: 'Message id-1 was set aside',
      messageId: 'id-1',
      reasonCode: 135,
      context: 'MqttSync.queue',
    });
    expect(printed({ json: false }, speak)).toMatch(/\[MqttSync\.queue\] Message id-1 was set aside\n$/);
  });

  it.each([true, false])('writes the time as ISO 8601 in UTC (json: %s)', (json) => {
    expect(printed({ json }, (logger) => logger.log('x'))).toMatch(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b/);
  });

  it('logs of a category as much as its own level says', () => {
    const levels = new LogLevels('warn', { 'MqttSync.connection': 'debug', Http: 'fatal' });
    const output = printed({ levels }, (logger) => {
      logger.debug('a detail of the connection', 'MqttSync.connection');
      logger.log('news of the queue', 'MqttSync.queue');
      logger.warn('a warning of the queue', 'MqttSync.queue');
      logger.error('a failed request', 'Error: x\n    at y (z.ts:1)', 'Http');
    });
    expect(output).toMatch(/a detail of the connection[^]*a warning of the queue/);
    expect(output).not.toMatch(/news of the queue|a failed request|z\.ts/);
  });
});

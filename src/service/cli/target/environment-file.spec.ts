import { describe, expect, it } from 'vitest';
import { EnvironmentFileError, parseEnvironment } from './environment-file.js';

describe('a file of variables', () => {
  it('is understood with comments, quotes and values of several lines', () => {
    const text = [
      '# of the service',
      '; as systemd has them, too',
      '',
      ' \t',
      'PORT=8080 # not 5000',
      '  export HOST = 10.0.0.7',
      'EMPTY=',
      'SYNC_INGRESS_TOKEN="ses=ame"',
      "MQTT_PASSWORD='two",
      'lines, one of them { "with": 1 }\'',
      'MQTT_USERNAME=o\'brien "the ship"',
      'QUOTED=`a`',
    ];
    for (const end of ['\n', '\r\n']) {
      const variables = parseEnvironment(text.join(end));
      expect(variables).toEqual({
        ...{ PORT: '8080', HOST: '10.0.0.7', EMPTY: '', SYNC_INGRESS_TOKEN: 'ses=ame', QUOTED: 'a' },
        ...{ MQTT_PASSWORD: `two\nlines, one of them { "with": 1 }`, MQTT_USERNAME: 'o\'brien "the ship"' },
      });
    }
    expect(parseEnvironment('')).toEqual({});
  });

  it.each([
    [1, '{"entity":"crew","operation":"update","key":"7=7"}\n'],
    [3, 'PORT=8080\n\nsesame\n'],
    [4, 'MQTT_PASSWORD="of\ntwo lines"\n# but\nsesame'],
    [2, 'PORT=8080\n-----BEGIN CERTIFICATE-----\nsesame=\n'],
    [1, '=sesame'],
  ])('is none where line %i is something else, whose text is not told', (line, text) => {
    const attempt = () => parseEnvironment(text);
    expect(attempt).toThrow(EnvironmentFileError);
    expect(attempt).toThrow(new RegExp(`^line ${line} is neither NAME=value nor a comment$`));
  });
});

import { describe, expect, it } from 'vitest';
import { prepareChange } from './prepared-change.js';

const prepare = (text: string) => prepareChange({ number: 7, text, problem: undefined, endsAt: 0 });

describe('a line that is to be published', () => {
  it('keeps its message id, and gets one that stays the same for every try', () => {
    expect(prepare('{"entity":"crew","messageId":"m"}')).toEqual({
      line: 7,
      json: '{"entity":"crew","messageId":"m"}',
    });
    const change = prepare('{"entity":"crew"}') as { json: string };
    expect(JSON.parse(change.json)).toEqual({
      entity: 'crew',
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
  });

  it.each(['[]', '"text"', '7', 'null'])('is no change when it is %s', (text) => {
    expect(prepare(text)).toEqual({ line: 7, reason: 'it is not an object: one change a line' });
  });

  it.each(['{"password":"sesame"', 'sesame', '{"a":sesame}', '{"a":1} sesame', '{"sesame'])(
    'is not shown when it is no JSON: %s',
    (text) => {
      const { reason } = prepare(text) as { reason: string };
      expect(reason).toMatch(/^it is not JSON: \S/);
      expect(reason).not.toContain('sesame');
    },
  );
});

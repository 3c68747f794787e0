import { describe, expect, it } from 'vitest';
import { type Line, readLines } from './lines.js';

async function read(chunks: readonly (string | Buffer)[], maxBytes = 100): Promise<Line[]> {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream of what is there
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  const lines: Line[] = [];
  for await (const line of readLines(source, maxBytes)) lines.push(line);
  return lines;
}

const seen = (lines: readonly Line[]) => lines.map(({ number, text, problem }) => [number, text ?? problem]);

describe('the lines of an input', () => {
  it('are cut wherever the chunks end, the last one without an end too', async () => {
    const lines = await read(['one\ntw', 'o\r\nthr', 'ee']);
    expect(seen(lines)).toEqual([
      [1, 'one'],
      [2, 'two\r'],
      [3, 'three'],
    ]);
    expect(lines.map(({ endsAt }) => endsAt)).toEqual([4, 9, 14]);
  });

  it('are counted and left out where they are empty', async () => {
    expect(seen(await read(['\n \t\r\na\n\n']))).toEqual([[3, 'a']]);
    expect(await read([])).toEqual([]);
  });

  it('keep a letter that two chunks share, and lose a byte order mark', async () => {
    const text = Buffer.from('\ufeffé\n');
    expect(seen(await read([text.subarray(0, 4), text.subarray(4)]))).toEqual([[1, 'é']]);
  });

  it('are reported, and do not stop the others, where they cannot be read', async () => {
    expect(seen(await read(['x'.repeat(60), 'x'.repeat(60), '\nok\n', Buffer.from([0xff]), '\nok'], 100))).toEqual([
      [1, 'it is longer than 100 bytes'],
      [2, 'ok'],
      [3, 'it is not UTF-8'],
      [4, 'ok'],
    ]);
  });
});

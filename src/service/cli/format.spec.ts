import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatFacts, formatTable, printable } from './format.js';

describe('what the command line shows to people', () => {
  it.each([
    [0, '0 s'],
    [2.54, '2.5 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [61, '1 min 1 s'],
    [7260, '2 h 1 min'],
    [3 * 86_400 + 4 * 3600 + 59, '3 d 4 h'],
  ])('says %d seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [999, '999 B'],
    [1000, '1.0 kB'],
    [4249, '4.2 kB'],
    [12_345, '12 kB'],
    [999_960, '1.0 MB'],
    [1_073_741_824, '1.1 GB'],
  ])('says %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('counts one thing and many', () => {
    expect([formatCount(1, 'message'), formatCount(12_345, 'message')]).toEqual(['1 message', '12,345 messages']);
  });

  it('sets text to the left and numbers to the right, and no spaces at the end', () => {
    expect(
      formatTable(
        ['pos', 'entity', 'id'],
        [
          [1, 'crew', 'a'],
          [1000, 'alerts', ''],
        ],
      ),
    ).toEqual(['  pos  entity  id', '    1  crew    a', '1,000  alerts']);
  });

  it('shows headings also where there is nothing below', () => {
    expect(formatTable(['pos', 'entity'], [])).toEqual(['pos  entity']);
  });

  it('sets facts below each other', () => {
    expect(
      formatFacts([
        ['a', 'x'],
        ['long', 'y'],
      ]),
    ).toEqual(['a     x', 'long  y']);
  });

  it('lets no text from elsewhere move the cursor or turn lines around', () => {
    expect(printable('a\x1b[2Jb\r\nc\u202edé')).toBe('a\\u001b[2Jb\\u000d\\u000ac\\u202edé');
  });
});

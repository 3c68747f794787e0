import { describe, expect, it } from 'vitest';
import { formatBytes } from '../../src/service/cli/format.js';

/** A module of the browser. */
const { size } = (await import(new URL('../../src/service/ui/format.js', import.meta.url).href)) as {
  size: (bytes: number) => string;
};

describe('the sizes of the operator page', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [4200, '4.2 kB'],
    [70_800, '71 kB'],
    [262_144, '262 kB'],
    [999_400, '999 kB'],
    [999_960, '1 MB'],
    [1_073_741_824, '1.1 GB'],
    [5e15, '5,000 TB'],
  ])('are in powers of 1,000, like those of the runbook: %d bytes are %s', (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it.each([17, 4200, 70_800, 262_144, 1_073_741_824])('are what the command line says: %d bytes', (bytes) => {
    expect(size(bytes)).toBe(formatBytes(bytes));
  });
});

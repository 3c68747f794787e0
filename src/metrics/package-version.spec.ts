import type * as FileSystem from 'node:fs';
import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { packageVersion } from './package-version.js';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof FileSystem>();
  return { ...fs, readFileSync: vi.fn(fs.readFileSync) };
});

it('knows the version of the package also when its files are being replaced', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
  vi.mocked(readFileSync).mockImplementation(() => {
    throw new Error('ENOENT');
  });
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

import { expect, it } from 'vitest';
import { KeyLines } from './key-lines.js';

it('a task that fails is told of, and holds up neither the next one of its key nor the key for ever', async () => {
  const failure = new Error('a mistake');
  const failures: unknown[] = [];
  const lines = new KeyLines((error) => failures.push(error));
  lines.add('key', () => Promise.reject(failure));
  await new Promise<void>((resolve) =>
    lines.add('key', () => {
      resolve();
      throw failure;
    }),
  );
  await new Promise<void>((resolve) => lines.add('key', () => Promise.resolve(resolve())));
  await expect.poll(() => lines.size).toBe(0);
  expect(failures).toEqual([failure, failure]);
});

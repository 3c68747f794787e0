import { describe, expect, it } from 'vitest';
import { Output } from './output.js';
import { WholeWrites } from './whole-writes.js';

describe('standard output that is a file', () => {
  it('writes on where the disk took a part, and fails where it takes no more', async () => {
    let file = '';
    const stdout = new WholeWrites(1, (_fd, bytes, offset) => {
      if (file.length >= 8) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      const taken = bytes.subarray(offset, offset + 3);
      file += String(taken);
      return taken.length;
    });
    const output = new Output(stdout, stdout, {});
    await output.line('12345');
    expect([file, await output.failure()]).toEqual(['12345\n', undefined]);
    await output.line('6789');
    expect([file, await output.failure()]).toEqual(['12345\n678', expect.stringContaining('ENOSPC')]);
  });
});

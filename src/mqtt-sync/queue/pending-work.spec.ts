import { expect, it } from 'vitest';
import { draft } from '../../../test/contract/failing-store.js';
import { PendingWork } from './pending-work.js';

it('A call that is answered twice leaves what waits for the disk once', async () => {
  const pending = new PendingWork();
  const refused = expect(pending.accept([draft('a')])).rejects.toThrow('first');
  const call = pending.accepts.shift()!;
  call.reject(new Error('first'));
  call.reject(new Error('second'));
  await refused;
  void pending.accept(Array.from({ length: 65_536 }, () => draft('a')));
  await expect(pending.accept([draft('a')])).rejects.toThrow(/65536 change\(s\) wait/);
});

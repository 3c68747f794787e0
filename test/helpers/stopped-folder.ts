import { join } from 'node:path';
import { draft, openOnDisk, take } from '../contract/queue-harness.js';
import { temporaryFolder } from './service-process.js';

const REFUSED = { reason: 'refused' as const, reasonCode: 0x87, attempts: 2 };

/** The folder of a service that was stopped, with two dead letters (1, 2) and three messages (3, 4, 5). */
export async function stoppedFolder(): Promise<string> {
  const dir = join(temporaryFolder(), 'queue');
  const { queue } = await openOnDisk(dir);
  await queue.accept([draft('crew', { messageId: 'd1' }), draft('crew', { messageId: 'd2' })]);
  for (let count = 0; count < 2; count++) queue.setAside(take(queue), REFUSED);
  await queue.accept([draft('crew', { messageId: 'm1' }), draft('alerts', { messageId: 'm2', lane: 'critical' })]);
  await queue.accept([draft('crew', { messageId: 'm3' })]);
  await queue.close();
  return dir;
}

import { join } from 'node:path';
import { open } from 'lmdb';

/** How many messages the store on disk holds, read past the process that has it open. */
export async function storedMessages(dir: string): Promise<number> {
  const root = open({ path: join(dir, 'queue.mdb'), noSubdir: true, readOnly: true, encoding: 'binary', maxDbs: 16 });
  try {
    const messages = root.openDB({ name: 'messages', encoding: 'binary', keyEncoding: 'binary' });
    return (messages.getStats() as { entryCount: number }).entryCount;
  } finally {
    await root.close();
  }
}

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

/**
 * Sees that a folder holds a queue, and that what is written there is its owner's: files of root would keep the service from
 * starting. Root becomes the owner, for the rest of the process.
 * @returns the path to use; an owner may not be able to reach the folder by its full one.
 * @throws {CliError} there is no queue, or it is another user's.
 */
export async function enterFolder(dir: string): Promise<string> {
  const store = await stat(join(dir, 'queue.mdb')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw otherUser(dir);
    throw new CliError(`There is no queue in ${dir}. Give the folder that MQTT_QUEUE_DIR names.`, EXIT.notFound);
  });
  const user = process.getuid?.();
  if (user === undefined || store.uid === user) return dir;
  if (user !== 0) throw otherUser(dir);
  becomeOwner(dir, store);
  return '.';
}

/** Into the folder first: those of a systemd service lie in one that is closed to everybody but root. */
function becomeOwner(dir: string, { uid, gid }: Stats): void {
  process.chdir(dir);
  process.setgroups?.([gid]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function otherUser(dir: string): CliError {
  return new CliError(
    `The queue in ${dir} belongs to another user. Run this as that user, or as root, who becomes that user.`,
    EXIT.unauthorised,
  );
}

import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { deadLetterKeys, messageKeys, type SegmentKey, segmentKeys } from '../../src/mqtt-sync/queue/lmdb/keys.js';

type Root = ReturnType<typeof openLmdb>;

/** Lane, position and sequence. */
type MessageKey = [lane: number, position: number, sequence: number];

/** Changes a closed store behind the back of the queue. */
export async function tamper(dir: string, change: (root: Root) => void): Promise<void> {
  const path = join(dir, 'queue.mdb');
  const root = openLmdb({ path, noSubdir: true, overlappingSync: false, encoding: 'binary', maxDbs: 8 });
  change(root);
  await root.close();
}

type LetterKey = [position: number, type: number, sequence: number];

export function messagesOf(root: Root) {
  return root.openDB<Buffer, MessageKey>({
    name: 'messages',
    encoding: 'binary',
    keyEncoder: messageKeys.encoder,
  } as { name: string });
}

export function lettersOf(root: Root) {
  return root.openDB<Buffer, LetterKey>({
    name: 'dead-letters',
    encoding: 'binary',
    keyEncoder: deadLetterKeys.encoder,
  } as { name: string });
}

export function segmentsOf(root: Root) {
  return root.openDB<Buffer, SegmentKey>({ name: 'journal', encoding: 'binary', keyEncoder: segmentKeys } as {
    name: string;
  });
}

/** Flips a bit in the record of one dead letter. */
export function damageLetter(dir: string, key: LetterKey): Promise<void> {
  return tamper(dir, (root) => {
    const letters = lettersOf(root);
    const value = letters.get(key)!;
    value[value.length - 3]! ^= 1;
    letters.putSync(key, value);
  });
}

/** Flips a bit in the record of one message. */
export function damageMessage(dir: string, key: MessageKey): Promise<void> {
  return tamper(dir, (root) => {
    const messages = messagesOf(root);
    const value = messages.get(key)!;
    value[value.length - 3]! ^= 1;
    messages.putSync(key, value);
  });
}

import type { MessageKey } from './message-store.js';

/** Keys looked at in one turn of the event loop. */
const KEYS_PER_TURN = 2000;

/** Counts what is stored, whatever the store says of its number. */
export async function countKeys(
  read: (after: number, limit: number) => readonly Pick<MessageKey, 'position'>[],
): Promise<number> {
  let count = 0;
  for (let last = -1; ;) {
    const keys = read(last, KEYS_PER_TURN);
    count += keys.length;
    if (keys.length < KEYS_PER_TURN) return count;
    last = keys.at(-1)!.position;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// Opens a queue while almost no more files can be opened; run as a process of its own, with few of them.
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger } from '../../src/mqtt-sync/logger.js';
import { DiskQueue } from '../../src/mqtt-sync/queue/disk-queue.js';
import { systemClock } from '../../src/mqtt-sync/time/clock.js';

const STDOUT = 1;
/** From enough for the store, which lmdb needs not to end the process itself, to enough for a process that checks it. */
const LEFT = [4, 5, 6, 7, 8, 10, 12, 16];
const [dir] = process.argv.slice(2) as [string];
const limits = { maxMessages: 1e6, maxBytes: 1e9, overflowPolicy: 'drop-oldest' as const, maxDeadLetters: 10 };

/** All that can be opened, but so many. */
function crowd(left: number): () => void {
  const opened: number[] = [];
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch {
    for (const file of opened.splice(-left)) closeSync(file);
  }
  return () => opened.forEach((file) => closeSync(file));
}

for (const left of LEFT) {
  const clear = crowd(left);
  const queue = new DiskQueue({ ...limits, dir }, systemClock, silentLogger);
  const outcome = await queue.open({ vesselId: 'mv-test', isExplicit: true }).then(
    () => 'opened',
    (error: unknown) => String((error as { code?: unknown }).code),
  );
  clear();
  writeSync(STDOUT, `${left} ${outcome}\n`);
  // What comes later than the answer ends the process as well.
  await new Promise((resolve) => setImmediate(resolve));
  await queue.close();
  // The next one finds an unclean stop, too.
  writeFileSync(join(dir, 'running'), '0');
}

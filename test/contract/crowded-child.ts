// Starts a process that is to look at a store, while almost no more files can be opened; run with few of them.
import { closeSync, openSync, writeSync } from 'node:fs';
import { runOnStore } from '../../src/mqtt-sync/store/store-child.js';

const STDOUT = 1;
/** From none to enough. */
const LEFT = [0, 1, 2, 3, 16];

/** All that can be opened, but so many. */
function crowd(left: number): () => void {
  const opened: number[] = [];
  try {
    for (;;) opened.push(openSync('/dev/null', 'r'));
  } catch {
    for (const file of opened.splice(opened.length - left)) closeSync(file);
  }
  return () => opened.forEach((file) => closeSync(file));
}

for (const left of LEFT) {
  const clear = crowd(left);
  const { outcome } = await runOnStore(() => true, [], { budgetMs: 10_000, signal: new AbortController().signal });
  clear();
  writeSync(STDOUT, `${left} ${outcome}\n`);
}

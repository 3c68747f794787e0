import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Given to Node with --import: a module whose name is in HELD_MODULE is never loaded, which is said on standard output.
if (isMainThread) {
  register(import.meta.url);
  // Loading from a disk keeps the process; waiting for this one would not.
  setInterval(() => {}, 60_000);
}

export async function resolve(specifier, context, next) {
  if (specifier.endsWith(process.env.HELD_MODULE)) {
    writeSync(1, `held: ${specifier}\n`);
    await new Promise(() => {});
  }
  return next(specifier, context);
}

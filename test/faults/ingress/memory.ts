import { readFileSync } from 'node:fs';

/** Anonymous resident memory of a process: what it has allocated, without the pages of its store that are mapped. */
export function anonymousBytes(pid: number): number {
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error('The kernel does not tell anonymous memory');
  return Number(kib) * 1024;
}

import { spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const CALLS = 'openat,lseek,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync';

/** Whether system calls can be traced here: strace is installed, and may attach. */
export function canTrace(): boolean {
  return spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0;
}

/**
 * The command that runs another one and writes its calls, with all data, to a file. The process that is started is the
 * traced one itself (`-D`), so that a signal meets it and not strace.
 */
export function tracing(file: string): string[] {
  return [
    'strace',
    '-D',
    '-f',
    '-qq',
    '-y',
    '-xx',
    '-s',
    '100000000',
    '-e',
    `trace=${CALLS}`,
    '-e',
    'signal=none',
    '-o',
    file,
  ];
}

/** The lines of a trace that mention what is looked for: the rest is most of it. */
export async function linesOf(file: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file, 'latin1') })) lines.push(line);
  return lines;
}

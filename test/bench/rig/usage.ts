import { readFileSync } from 'node:fs';

/** Linux counts the processor time of a process in these. */
const TICKS_PER_SECOND = 100;

/** What a process has used so far, and holds now. */
export interface Usage {
  readonly cpuMs: number;
  /** Anonymous resident memory, and pages mapped from files. */
  readonly anonymousMiB: number;
  readonly mappedMiB: number;
}

/** @returns undefined where there is no `/proc`. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  // The name of the program, in brackets, may hold blanks; what follows are numbers (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: (ticks * 1000) / TICKS_PER_SECOND, anonymousMiB: mib('RssAnon'), mappedMiB: mib('RssFile') };
}

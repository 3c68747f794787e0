import { fileOf, stringsOf, type SystemCall, systemCalls } from './system-call.js';

/** What matters of a process that keeps a store on disk, in the order in which it ended. */
export type StoreEvent = { readonly begun: number; readonly ended: number } & (
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly data: Buffer;
      /** Written through a descriptor of O_DSYNC: on disk when the call returns. */
      readonly isSynchronous: boolean;
    }
  | { readonly kind: 'sync' }
  /** The names in the folder of the store were synced. */
  | { readonly kind: 'folder_sync' }
  | { readonly kind: 'created' }
  /** The process said something to its parent. */
  | { readonly kind: 'said'; readonly line: string }
);

/** Where to look. */
export interface StorePlaces {
  readonly storePath: string;
  readonly folder: string;
  /** File descriptor on which the process speaks. */
  readonly reportFd: number;
}

/** Picks what concerns one store file, and what the process said, out of a trace. */
export function* storeEvents(lines: Iterable<string>, places: StorePlaces): Generator<StoreEvent> {
  const synchronous = new Set<number>();
  const positions = new Map<number, number>();
  for (const call of systemCalls(lines)) {
    const { name, args, result, begun, ended } = call;
    if (result < 0) continue;
    if (name === 'openat') {
      if (stringsOf(args)[0]?.toString() !== places.storePath) continue;
      if (/O_D?SYNC/.test(args)) synchronous.add(result);
      else synchronous.delete(result);
      if (args.includes('O_CREAT')) yield { kind: 'created', begun, ended };
      continue;
    }
    const file = fileOf(args);
    if (!file) continue;
    if (file.fd === places.reportFd && name === 'write') {
      const text = Buffer.concat(stringsOf(args)).toString();
      for (const line of text.split('\n')) if (line !== '') yield { kind: 'said', line, begun, ended };
    } else if (/sync$/.test(name)) {
      if (file.path === places.storePath) yield { kind: 'sync', begun, ended };
      if (file.path === places.folder) yield { kind: 'folder_sync', begun, ended };
    } else if (file.path === places.storePath) {
      if (name === 'lseek') positions.set(file.fd, result);
      else if (/write/.test(name)) {
        const data = Buffer.concat(stringsOf(args)).subarray(0, result);
        const offset = offsetOf(call, positions.get(file.fd) ?? 0);
        if (!/^pwrite/.test(name)) positions.set(file.fd, offset + data.length);
        yield { kind: 'write', offset, data, isSynchronous: synchronous.has(file.fd), begun, ended };
      }
    }
  }
}

/** Where a write goes: what the call says, or where the descriptor stands. */
function offsetOf({ name, args }: SystemCall, position: number): number {
  return /^pwrite/.test(name) ? Number(/, (\d+)$/.exec(args)?.[1]) : position;
}

/** A system call as strace saw it, paths and data in hexadecimal (`strace -f -y -xx`). */
export interface SystemCall {
  readonly name: string;
  /** Everything between the brackets. */
  readonly args: string;
  readonly result: number;
  /** Lines of the trace at which it began and ended; another thread's calls may lie between. */
  readonly begun: number;
  readonly ended: number;
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+)/s;
const BEGINNING = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s;
const END = /^(\d+) +<\.\.\. \w+ resumed>(.*)\) += (-?\d+)/s;

/** Reads the calls out of a trace, in the order in which they ended. */
export function* systemCalls(lines: Iterable<string>): Generator<SystemCall> {
  const unfinished = new Map<string, { readonly name: string; readonly args: string; readonly begun: number }>();
  let line = 0;
  for (const text of lines) {
    line++;
    const beginning = BEGINNING.exec(text);
    if (beginning) {
      unfinished.set(beginning[1]!, { name: beginning[2]!, args: beginning[3]!, begun: line });
      continue;
    }
    const end = END.exec(text);
    const started = end && unfinished.get(end[1]!);
    if (end && started) {
      unfinished.delete(end[1]!);
      yield { ...started, args: started.args + end[2]!, result: Number(end[3]), ended: line };
      continue;
    }
    const whole = WHOLE.exec(text);
    if (whole) yield { name: whole[2]!, args: whole[3]!, result: Number(whole[4]), begun: line, ended: line };
  }
}

/** The strings of a call, decoded: its paths and its data. */
export function stringsOf(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => decode(hex!));
}

/** File descriptor and path of a call's first argument. */
export function fileOf(args: string): { readonly fd: number; readonly path: string } | undefined {
  const found = /^(\d+)<((?:\\x[0-9a-f]{2})*)>/.exec(args);
  return found ? { fd: Number(found[1]), path: decode(found[2]!).toString() } : undefined;
}

function decode(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
}

import { TextDecoder } from 'node:util';

/** A line of the input; `text` is undefined when it cannot be read, and `problem` says why. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string | undefined;
  readonly problem: string | undefined;
  /** Bytes of the input up to and including this line. */
  readonly endsAt: number;
}

const NEWLINE = '\n'.charCodeAt(0);

/**
 * Cuts a stream of bytes into lines, and never keeps more of one than `maxBytes`: what is longer is skipped and reported.
 * Lines of white space only are left out.
 */
export async function* readLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let parts: Buffer[] = [];
  let bytes = 0;
  let number = 0;
  let endsAt = 0;
  const keep = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
    else parts = [];
  };
  const finish = (): Line | undefined => {
    number++;
    const line = lineOf(decoder, parts, bytes, maxBytes);
    parts = [];
    bytes = 0;
    return line.text?.trim() === '' ? undefined : { number, ...line, endsAt };
  };
  for await (const chunk of source) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      keep(chunk.subarray(begin, end));
      endsAt += end + 1 - begin;
      begin = end + 1;
      const line = finish();
      if (line) yield line;
    }
    if (begin < chunk.length) keep(chunk.subarray(begin));
    endsAt += chunk.length - begin;
  }
  const last = bytes > 0 ? finish() : undefined;
  if (last) yield last;
}

function lineOf(
  decoder: TextDecoder,
  parts: readonly Buffer[],
  bytes: number,
  maxBytes: number,
): Pick<Line, 'text' | 'problem'> {
  if (bytes > maxBytes) return { text: undefined, problem: `it is longer than ${maxBytes} bytes` };
  try {
    return { text: decoder.decode(Buffer.concat(parts)), problem: undefined };
  } catch {
    return { text: undefined, problem: 'it is not UTF-8' };
  }
}

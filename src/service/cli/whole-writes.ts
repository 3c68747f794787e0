import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';

/**
 * Standard output that is a file. Node's own stream takes a write of which the disk had room for a part for a whole one, and the
 * end of the last line would be missing without a word.
 */
export class WholeWrites extends Writable {
  constructor(
    private readonly fd: number,
    private readonly writeTo: (fd: number, bytes: Uint8Array, offset: number) => number = writeSync,
  ) {
    super();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    try {
      for (let at = 0; at < bytes.length;) at += this.writeTo(this.fd, bytes, at);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  }
}

/** Where the result goes: as Node has it, but for a file. */
export function resultStream(stdout: NodeJS.WriteStream & { readonly fd: number }): Writable {
  return fstatSync(stdout.fd).isFile() ? new WholeWrites(stdout.fd) : stdout;
}

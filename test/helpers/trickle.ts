import type { Socket } from 'node:net';

/** Writes bytes one at a time, each in a turn of the event loop of its own, so that no two arrive in one piece. */
export class Trickle {
  private readonly bytes: number[] = [];

  constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
  }

  send(bytes: Buffer): void {
    this.bytes.push(...bytes);
    if (this.bytes.length === bytes.length) this.next();
  }

  private next(): void {
    const [byte] = this.bytes;
    if (byte === undefined || this.socket.destroyed) return;
    this.socket.write(Buffer.of(byte), () => {
      setImmediate(() => {
        this.bytes.shift();
        this.next();
      });
    });
  }
}

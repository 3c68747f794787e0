import type { Socket } from 'node:net';
import { reset } from './sockets.js';

/** One direction of a link; everything absent is perfect. */
export interface LinkQuality {
  /** Milliseconds that a byte is under way. */
  delayMs?: number;
  /** Up to so many milliseconds more, at random; the order of the bytes stays. */
  jitterMs?: number;
  bytesPerSecond?: number;
  /** Nothing gets through, and nobody is told. */
  isHole?: boolean;
}

/** Bytes that wait to be sent before the sender feels it; a satellite modem has about so much. */
const BUFFER_BYTES = 64 * 1024;

/** A rate limit sends in pieces of so many milliseconds, so that bytes trickle instead of arriving in lumps. */
const PIECE_MS = 20;

interface Bytes {
  readonly kind: 'bytes';
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** How the source ended. */
interface Ending {
  readonly kind: 'end' | 'reset';
}

type Item = Bytes | Ending;

/** Carries what one socket receives to another one, as badly as asked. */
export class ShapedPipe {
  private readonly queue: Item[] = [];
  private queuedBytes = 0;
  private sentUntilMs = 0;
  private lastDueMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private carried = 0;

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private readonly quality: LinkQuality,
  ) {
    source.on('data', (chunk) => this.take(chunk));
    source.on('end', () => this.push({ kind: 'end' }));
    source.on('error', () => this.push({ kind: 'reset' }));
    sink.on('drain', () => this.pump());
    sink.on('close', () => clearTimeout(this.timer));
  }

  /** Bytes that have arrived at the other end. */
  get carriedBytes(): number {
    return this.carried;
  }

  /** Sends what is due. */
  pump(): void {
    clearTimeout(this.timer);
    while (!this.quality.isHole) {
      const item = this.queue[0];
      if (!item || this.sink.destroyed || this.sink.writableNeedDrain) break;
      if (item.kind === 'bytes' && item.dueMs > performance.now()) {
        this.timer = setTimeout(() => this.pump(), item.dueMs - performance.now());
        break;
      }
      this.queue.shift();
      this.send(item);
    }
    if (this.queuedBytes < this.holdsBytes && !this.quality.isHole) this.source.resume();
  }

  /** What waits to be sent, and what is under way: on a long link the latter must not slow the former down. */
  private get holdsBytes(): number {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond = 0 } = this.quality;
    return BUFFER_BYTES + (bytesPerSecond * (delayMs + jitterMs)) / 1000;
  }

  private send(item: Item): void {
    if (item.kind === 'end') this.sink.end();
    else if (item.kind === 'reset') reset(this.sink);
    else if (item.kind === 'bytes') {
      this.queuedBytes -= item.bytes.length;
      this.carried += item.bytes.length;
      this.sink.write(item.bytes);
    }
  }

  private take(chunk: Buffer): void {
    const { bytesPerSecond } = this.quality;
    const pieceBytes = bytesPerSecond ? Math.max(1, Math.ceil((bytesPerSecond * PIECE_MS) / 1000)) : chunk.length;
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      const bytes = chunk.subarray(start, start + pieceBytes);
      this.queuedBytes += bytes.length;
      this.queue.push({ kind: 'bytes', bytes, dueMs: this.dueTime(bytes.length) });
    }
    if (this.queuedBytes >= this.holdsBytes || this.quality.isHole) this.source.pause();
    this.pump();
  }

  private dueTime(bytes: number): number {
    const { delayMs = 0, jitterMs = 0, bytesPerSecond } = this.quality;
    const transferMs = bytesPerSecond ? (bytes / bytesPerSecond) * 1000 : 0;
    this.sentUntilMs = Math.max(this.sentUntilMs, performance.now()) + transferMs;
    this.lastDueMs = Math.max(this.lastDueMs, this.sentUntilMs + delayMs + Math.random() * jitterMs);
    return this.lastDueMs;
  }

  private push(item: Item): void {
    this.queue.push(item);
    this.pump();
  }
}

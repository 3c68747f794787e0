import type { StreamId } from '../../wire/incoming-change.js';
import type { ParkedMessage } from './inbox.js';
import type { HandledRecord, LastHandled } from './inbox-store.js';
import type { Stream, StreamRecord } from './stream.js';

/** What was asked for since the commit before began: it is committed together, or not at all. */
export class CommitGroup {
  readonly ids = new Set<string>();
  readonly lasts = new Map<string, LastHandled>();
  readonly handled: HandledRecord[] = [];
  /** Streams that it changes, and what they were before. */
  readonly streams = new Map<Stream, StreamRecord>();
  readonly removedStreams: StreamId[] = [];
  readonly parked: ParkedMessage[] = [];
  readonly unparked: number[] = [];
  /** Told once it is committed. */
  readonly news: (() => void)[] = [];
  /** What memory was changed by, and how to take that back. */
  private readonly undos: (() => void)[] = [];
  readonly committed: Promise<void>;
  private settle!: { readonly resolve: () => void; readonly reject: (error: Error) => void };

  constructor() {
    this.committed = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Each caller listens to it; a group without callers has nobody who would.
    this.committed.catch(() => undefined);
  }

  get isEmpty(): boolean {
    return this.handled.length + this.streams.size + this.parked.length + this.unparked.length === 0;
  }

  /** A stream is about to change; or it has, and `before` is what it was. Answers whether it is the first change of it. */
  touch(stream: Stream, before?: StreamRecord): boolean {
    if (this.streams.has(stream)) return false;
    const record = before ?? stream.toRecord();
    this.streams.set(stream, record);
    this.onUndo(() => stream.restore(record));
    return true;
  }

  onUndo(undo: () => void): void {
    this.undos.push(undo);
  }

  succeeded(): void {
    for (const tell of this.news) tell();
    this.settle.resolve();
  }

  /** Takes back what it changed in memory, the last first. */
  undo(): void {
    for (const undo of this.undos.splice(0).reverse()) undo();
  }

  failed(error: Error): void {
    this.settle.reject(error);
  }
}

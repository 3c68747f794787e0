import { Fifo } from '../queue/fifo.js';

/** Something to do; resolves when the next one of its key may begin. Should never reject. */
export type Task = () => Promise<void>;

/** Runs tasks of one key one after the other, those of different keys side by side. */
export class KeyLines {
  /** What waits behind the task that runs; undefined for nothing, as for most keys. */
  private readonly lines = new Map<string, Fifo<Task> | undefined>();

  /** @param failed told of what a task rejected with: a mistake, which must not keep the others of its key waiting for ever */
  constructor(private readonly failed: (error: unknown) => void) {}

  /** Keys that have a task running or waiting. */
  get size(): number {
    return this.lines.size;
  }

  add(key: string, task: Task): void {
    if (!this.lines.has(key)) {
      this.lines.set(key, undefined);
      void this.work(key, task);
      return;
    }
    const waiting = this.lines.get(key) ?? new Fifo<Task>();
    waiting.push(task);
    this.lines.set(key, waiting);
  }

  private async work(key: string, first: Task): Promise<void> {
    for (let task: Task | undefined = first; task; task = this.lines.get(key)?.shift()) {
      try {
        await task();
      } catch (error) {
        this.failed(error);
      }
    }
    this.lines.delete(key);
  }
}
